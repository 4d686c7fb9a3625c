/* 64 KiB erases (256 ms) waited for in three ways, with a 1 ms tick, and with a time-out of 5 ms (hw-flash 4.2). */
#include "xspi2.h"

enum { CSR = 0xE000E010, RVR = 0xE000E014, CVR = 0xE000E018, VTOR = 0xE000ED08, DEMCR = 0xE000EDFC,
       DWT_CTRL = 0xE0001000, CYCCNT = 0xE0001004, CYCLES_MS = 64000 };

struct {
    uint32_t ticks_by_hand, ticks_by_flag, timed_out, gave_up_us;
} result;

static volatile uint32_t ticks;

static void on_tick(void) { ticks++; }

__attribute__((aligned(128))) static void (*const vectors[16])(void) = {[15] = on_tick};

static uint8_t status(void)
{
    uint8_t value = 1;
    receive(S_DATA, 0x05, 0, 0, &value, 1);
    return value;
}

static void erase(uint32_t address)
{
    command(S_COMMAND, 0x06, 0, 0);
    command(S_ADDRESS, 0xDC, 0, address);
    ticks = 0;
}

int program(void)
{
    uint32_t before = REG(VTOR);
    if (bring_up())
        return 1;
    REG(VTOR) = (uint32_t)vectors;
    REG(RVR) = CYCLES_MS - 1;
    REG(CVR) = 0;
    REG(CSR) = 7;
    __asm volatile("cpsie i");
    erase(0x20000);
    while (status() & 1)
        ;
    result.ticks_by_hand = ticks;
    erase(0x30000);
    if (poll_status(S_DATA, 0x05, 0, 1, 1, 0))
        return 2;
    result.ticks_by_flag = ticks;
    REG(CSR) = 0;
    __asm volatile("cpsid i");
    REG(DEMCR) |= 1u << 24;
    REG(DWT_CTRL) |= 1;
    erase(0x40000);
    uint32_t start = REG(CYCCNT);
    while (status() & 1)
        if (REG(CYCCNT) - start > 5 * CYCLES_MS) {
            result.timed_out = 1;
            break;
        }
    result.gave_up_us = (REG(CYCCNT) - start) / 64;
    REG(VTOR) = before;
    return 0;
}
