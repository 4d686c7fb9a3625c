/* From any state to an XSPI that can talk: core, clocks, resets, supply, pads, port matrix (hw-soc 4.2 recipe A, 7.5). */
#include "loader.h"

#define RCC 0x56028000u
#define RCC_CFGR1 (RCC + 0x020u)
#define RCC_CCIPR6 (RCC + 0x158u)
#define RCC_AHB4ENR (RCC + 0x25Cu)
#define RCC_AHB5ENR (RCC + 0x260u)
#define RCC_APB4ENR2 (RCC + 0x278u)
#define RCC_AHB5RSTR (RCC + 0x220u)
#define RCC_SET 0x800u    /* the twin of a register that sets bits */
#define RCC_CLEAR 0x1000u /* and the one that clears them */
#define CFGR1_SYSSWS (3u << 28)
#define AHB4_PWR (1u << 18)
#define APB4_SYSCFG (1u << 0)

#define PWR_SVMCR3 0x5602483Cu
/* VDDIO2SV, VDDIO3SV, USB33SV, ASV. The range bits [26:24] can destroy a 3.3 V device and are nobody's to ask for here. */
#define SVMCR3_SUPPLY_VALID 0x00001700u

#define GPIO_MODER 0x00u
#define GPIO_OSPEEDR 0x08u
#define GPIO_PUPDR 0x0Cu
#define GPIO_AFRL 0x20u
#define GPIO_AFRH 0x24u

#define SCB_CCR 0xE000ED14u
#define CCR_DC (1u << 16)
#define CCR_IC (1u << 17)
#define MPU_CTRL 0xE000ED94u
#define ICIALLU 0xE000EF50u
#define DCCISW 0xE000EF74u

static void barrier(void)
{
    __asm volatile("dsb\n\tisb" ::: "memory");
}

/*
 * A program that ran before may have left the MPU with execute-never RAM and the caches on (hw-soc 8). What the debugger
 * wrote through the D-cache must reach RAM before it is switched off: 32 KiB, 4 ways, 256 sets of 32 bytes.
 */
void core_quiet(void)
{
    barrier();
    REG32(MPU_CTRL) = 0;
    uint32_t ccr = REG32(SCB_CCR);
    if (ccr & CCR_DC) {
        for (uint32_t set = 0; set < 256; set++)
            for (uint32_t way = 0; way < 4; way++)
                REG32(DCCISW) = way << 30 | set << 5;
        barrier();
    }
    if (ccr & (CCR_DC | CCR_IC)) {
        REG32(SCB_CCR) = ccr & ~(CCR_DC | CCR_IC);
        barrier();
        REG32(ICIALLU) = 0;
    }
    barrier();
}

static int is_xspi(uint32_t base)
{
    return base == 0x58025000u || base == 0x5802A000u || base == 0x5802D000u;
}

uint32_t board_check(const BoardSetup *board)
{
    int good = is_xspi(board->xspi_base) && !(board->svmcr3_set & ~SVMCR3_SUPPLY_VALID) && board->prescaler <= 0xFF;
    return good ? OK : BAD_ARGUMENT;
}

static void set_field(uint32_t address, uint32_t mask, uint32_t value)
{
    REG32(address) = (REG32(address) & ~mask) | (value & mask);
}

static void enable_clock(uint32_t enable_register, uint32_t bits)
{
    REG32(enable_register + RCC_SET) = bits;
    (void)REG32(enable_register); /* the clock runs once this read is back (hw-soc 4) */
}

uint32_t board_start(const BoardSetup *board)
{
    /* We never touch SYSCFG, but a debugger may read it after us, and without its clock that hangs the bus (hw-soc 1.9). */
    enable_clock(RCC_APB4ENR2, APB4_SYSCFG);
    enable_clock(RCC_AHB4ENR, board->gpio_rcc_bit | AHB4_PWR);
    enable_clock(RCC_AHB5ENR, board->xspi_rcc_bits);

    /* Out of memory-mapped mode, out of the ROM's port swap: XSPIM obeys only while no XSPI is enabled (hw-soc 7.1). */
    REG32(RCC_AHB5RSTR + RCC_SET) = board->all_xspi_reset_bits;
    (void)REG32(RCC_AHB5RSTR);
    REG32(RCC_AHB5RSTR + RCC_CLEAR) = board->all_xspi_reset_bits;
    (void)REG32(RCC_AHB5RSTR);
    set_field(RCC_CCIPR6, board->xspi_select_mask, 0);

    REG32(PWR_SVMCR3) |= board->svmcr3_set; /* until then the pads are isolated (hw-soc 5) */

    uint32_t gpio = board->gpio_base;
    set_field(gpio + GPIO_AFRL, board->afrl_mask, board->afrl_value);
    set_field(gpio + GPIO_AFRH, board->afrh_mask, board->afrh_value);
    set_field(gpio + GPIO_OSPEEDR, board->ospeedr_mask, board->ospeedr_value);
    set_field(gpio + GPIO_PUPDR, board->pupdr_mask, board->pupdr_value);
    set_field(gpio + GPIO_MODER, board->moder_mask, board->moder_value);
    REG32(board->xspim_base) = board->xspim_cr;

    /* A PLL left running by an FSBL takes HCLK5 up to 400 MHz: divide by 8, and every part stays below its 1S limit. */
    uint32_t prescaler = board->prescaler;
    loader.has_pll = REG32(RCC_CFGR1) & CFGR1_SYSSWS;
    if (loader.has_pll && prescaler < 7)
        prescaler = 7;
    return xspi_start(board->xspi_base, board->dcr1, prescaler);
}
