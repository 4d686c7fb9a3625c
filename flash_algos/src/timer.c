/* Time by the cycle counter: every wait of the loader is bounded by it. */
#include "loader.h"

#define DEMCR 0xE000EDFCu
#define DEMCR_TRCENA (1u << 24)
#define DWT_CTRL 0xE0001000u
#define DWT_CYCCNT 0xE0001004u

/*
 * RCC_CFGR1.CPUSWS [21:20]: 0 is HSI, 64 MHz, as the boot ROM leaves it (hw-soc 4.1). With a running FSBL's PLL we assume
 * the fastest clock the part allows: a wait may then be longer than asked for, never shorter.
 */
#define RCC_CFGR1 0x56028020u
#define CFGR1_CPUSWS (3u << 20)
#define HSI_MHZ 64u
#define FASTEST_MHZ 800u
#define LONGEST_US 100000u /* a reset in the middle of a chip erase (hw-flash 4.2) */

/* A debugger that detached in between may have cleared TRCENA, so each entry starts the counter anew. */
uint32_t timer_start(void)
{
    REG32(DEMCR) |= DEMCR_TRCENA;
    REG32(DWT_CTRL) |= 1u;
    loader.cycles_per_us = (REG32(RCC_CFGR1) & CFGR1_CPUSWS) ? FASTEST_MHZ : HSI_MHZ;
    uint32_t first = REG32(DWT_CYCCNT);
    for (uint32_t tries = 1000; tries; tries--)
        if (REG32(DWT_CYCCNT) != first)
            return OK;
    return NO_TIMER;
}

uint32_t cycles(void)
{
    return REG32(DWT_CYCCNT);
}

Deadline deadline(uint32_t us)
{
    /* One more: the microsecond that has already begun does not count. */
    return (Deadline){.mark = REG32(DWT_CYCCNT), .left_us = us + 1};
}

/* To be asked at least once per turn of the counter (67 s at 64 MHz). */
int expired(Deadline *limit)
{
    uint32_t passed = (REG32(DWT_CYCCNT) - limit->mark) / loader.cycles_per_us;
    limit->mark += passed * loader.cycles_per_us;
    if (passed >= limit->left_us) {
        limit->left_us = 0;
        return 1;
    }
    limit->left_us -= passed;
    return 0;
}

/* No part wants more than LONGEST_US; what asks for more is damaged, and must not keep the host waiting. */
void delay(uint32_t us)
{
    Deadline limit = deadline(us < LONGEST_US ? us : LONGEST_US);
    while (!expired(&limit)) {
    }
}
