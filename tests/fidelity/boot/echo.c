/* A first-stage program: greets on USART1, then sleeps and answers every byte from its interrupt, letters with the other case.
   Registers: CMSIS header; 115200 bit/s from the 32 MHz that the boot ROM leaves. */
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define USART1 0x52001000u
enum { CR1 = 0x00, BRR = 0x0C, ISR = 0x1C, RDR = 0x24, TDR = 0x28, IRQ = 159 };
#define RXNE (1u << 5)
#define TXE (1u << 7)

void start(void);

static void say(uint32_t byte)
{
    while (!(REG(USART1 + ISR) & TXE)) {
    }
    REG(USART1 + TDR) = byte;
}

static void stop(void)
{
    for (;;) {
    }
}

static void heard(void)
{
    while (REG(USART1 + ISR) & RXNE)
        say(REG(USART1 + RDR) ^ 0x20);
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[16 + IRQ + 1] = {
    0x34200000,
    (uintptr_t)start,
    [2 ... 15 + IRQ] = (uintptr_t)stop,
    [16 + IRQ] = (uintptr_t)heard,
};

void start(void)
{
    REG(0x56028A6Cu) = 1u << 4; /* RCC APB2ENSR: USART1 */
    (void)REG(0x5602826Cu);
    REG(USART1 + BRR) = 278;
    REG(USART1 + CR1) = 1u << 5 | 1u << 3 | 1u << 2 | 1u; /* RXNEIE, TE, RE, UE */
    for (const char *text = "ready\n"; *text; text++)
        say((uint8_t)*text);
    REG(0xE000E100u + 4 * (IRQ / 32)) = 1u << IRQ % 32;
    for (;;)
        __asm volatile("wfi");
}
