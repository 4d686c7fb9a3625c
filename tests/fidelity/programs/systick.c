/* A SysTick interrupt every 64000 core cycles, five times, the core asleep in between (Armv8-M: SysTick, SCB). */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
enum { CSR = 0xE000E010, RVR = 0xE000E014, CVR = 0xE000E018, ICSR = 0xE000ED04, VTOR = 0xE000ED08, DEMCR = 0xE000EDFC,
       DWT_CTRL = 0xE0001000, CYCCNT = 0xE0001004 };

struct {
    volatile uint32_t ticks, awake;
    uint32_t ipsr, icsr, cycles[5], ipsr_after;
} result;

static uint32_t ipsr(void)
{
    uint32_t value;
    __asm volatile("mrs %0, ipsr" : "=r"(value));
    return value;
}

void on_tick(void)
{
    result.ipsr = ipsr();
    result.icsr = REG(ICSR);
    if (result.ticks < 5)
        result.cycles[result.ticks] = REG(CYCCNT);
    if (++result.ticks == 5)
        REG(CSR) = 0;
}

static void unexpected(void)
{
    for (;;)
        __asm volatile("bkpt 1");
}

__attribute__((aligned(128))) static void (*const vectors[16])(void) = {
    [0 ... 14] = unexpected, [15] = on_tick,
};

int program(void)
{
    uint32_t before = REG(VTOR);
    REG(VTOR) = (uint32_t)vectors;
    REG(DEMCR) |= 1u << 24;
    REG(DWT_CTRL) |= 1;
    REG(RVR) = 64000 - 1;
    REG(CVR) = 0;
    REG(CSR) = 7; /* core clock, interrupt, on */
    __asm volatile("cpsie i");
    while (result.ticks < 5) {
        __asm volatile("wfi");
        result.awake++;
    }
    result.ipsr_after = ipsr();
    __asm volatile("cpsid i");
    REG(VTOR) = before;
    return 0;
}
