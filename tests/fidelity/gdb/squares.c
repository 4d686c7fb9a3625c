/* The sum of the squares of 1 to 10, in RAM, for a debugger to walk through: 385. */
#include <stdint.h>

volatile uint32_t total;
volatile uint32_t rounds;
const uint32_t numbers[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

__attribute__((noinline)) uint32_t square(uint32_t n)
{
    return n * n;
}

__attribute__((noinline)) void done(void)
{
    for (;;)
        rounds++;
}

__attribute__((noinline, used)) void work(void)
{
    total = 0;
    for (unsigned i = 0; i < 10; i++)
        total += square(numbers[i]);
    done();
}

__attribute__((naked, used, section(".start"))) void start(void)
{
    /* whoever ran before left a stack limit that this stack is below */
    __asm volatile("movs r0, #0\n msr msplim, r0\n msr control, r0\n isb\n ldr r0, =0x34010000\n mov sp, r0\n b work");
}
