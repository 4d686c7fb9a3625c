/* XSPI2 with its NOR, driven by registers: written after hw-soc 4.2, 6 and 7 and hw-flash 2, 5 and 6, for a NUCLEO-N657X0-Q in
 * development boot. HCLK5 is 32 MHz, no PLL. Every wait has an end: a chip that does not answer gives an error, not a hang. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define REG8(address) (*(volatile uint8_t *)(address))

enum {
    RCC = 0x56028000, PWR = 0x56024800, GPION = 0x56023400, XSPIM = 0x5802B400, XSPI2 = 0x5802A000,
    WINDOW = 0x70000000,
};
enum { CR = 0x00, DCR1 = 0x08, DCR2 = 0x0C, SR = 0x20, FCR = 0x24, DLR = 0x40, AR = 0x48, DR = 0x50, PSMKR = 0x80, PSMAR = 0x88,
       PIR = 0x90, CCR = 0x100, TCR = 0x108, IR = 0x110, LPTR = 0x130, WCCR = 0x180 };
enum { SR_TEF = 1, SR_TCF = 2, SR_FTF = 4, SR_SMF = 8, SR_BUSY = 32 };
enum { EN = 1, ABORT = 2, TCEN = 8, APMS = 1 << 22, FMODE_READ = 1 << 28, FMODE_POLL = 2 << 28, FMODE_MAPPED = 3 << 28 };
enum { CONTROL = 0x301 }; /* FTHRES 3, EN */
enum { PATIENCE = 1000000 };

/* hw-soc 7.4: the phases of a command in one line, and in eight lines at both edges */
enum {
    S_COMMAND = 0x00000001, S_ADDRESS = 0x00003101, S_DATA = 0x01000001, S_ADDRESS_DATA = 0x01003101, S_SFDP = 0x01002101,
    D_COMMAND = 0x0800001C, D_ADDRESS = 0x08003C1C, D_WRITE = 0x0C003C1C, D_READ = 0x2C003C1C,
    D_READ_UNSTROBED = 0x0C003C1C, O_COMMAND = 0x00000014,
    DHQC = 1 << 28,
};

static inline uint32_t x(uint32_t offset) { return REG(XSPI2 + offset); }
static inline void xw(uint32_t offset, uint32_t value) { REG(XSPI2 + offset) = value; }

static int wait_set(uint32_t flag)
{
    for (uint32_t left = PATIENCE; left; left--)
        if (x(SR) & flag)
            return 0;
    return -1;
}

static int wait_idle(void)
{
    for (uint32_t left = PATIENCE; left; left--)
        if (!(x(SR) & SR_BUSY))
            return 0;
    return -1;
}

static int finish(void)
{
    if (wait_set(SR_TCF))
        return -1;
    xw(FCR, SR_TCF);
    return wait_idle();
}

/* An instruction, with an address if the format has one, and no data. */
static int command(uint32_t ccr, uint32_t ir, uint32_t tcr, uint32_t address)
{
    if (wait_idle())
        return -1;
    xw(CR, CONTROL);
    xw(TCR, tcr);
    xw(CCR, ccr);
    xw(IR, ir);
    if (ccr & 0x700)
        xw(AR, address);
    return finish();
}

static int receive(uint32_t ccr, uint32_t ir, uint32_t tcr, uint32_t address, uint8_t *to, uint32_t length)
{
    if (wait_idle())
        return -1;
    xw(CR, CONTROL | FMODE_READ);
    xw(DLR, length - 1);
    xw(TCR, tcr);
    xw(CCR, ccr);
    xw(IR, ir);
    if (ccr & 0x700)
        xw(AR, address);
    for (uint32_t i = 0; i < length; i++) {
        if (wait_set(SR_FTF | SR_TCF))
            return -1;
        to[i] = REG8(XSPI2 + DR);
    }
    return finish();
}

static int transmit(uint32_t ccr, uint32_t ir, uint32_t tcr, uint32_t address, const uint8_t *from, uint32_t length)
{
    if (wait_idle())
        return -1;
    xw(CR, CONTROL);
    xw(DLR, length - 1);
    xw(TCR, tcr);
    xw(CCR, ccr);
    xw(IR, ir);
    if (ccr & 0x700)
        xw(AR, address);
    for (uint32_t i = 0; i < length; i++) {
        if (wait_set(SR_FTF))
            return -1;
        REG8(XSPI2 + DR) = from[i];
    }
    return finish();
}

/* Automatic polling of the first status byte: until (byte & mask) == match. */
static int poll_status(uint32_t ccr, uint32_t ir, uint32_t tcr, uint32_t length, uint32_t mask, uint32_t match)
{
    if (wait_idle())
        return -1;
    xw(CR, CONTROL | FMODE_POLL | APMS);
    xw(PSMAR, match);
    xw(PSMKR, mask);
    xw(PIR, 16);
    xw(DLR, length - 1);
    xw(TCR, tcr);
    xw(CCR, ccr);
    xw(IR, ir);
    if (ccr & 0x700)
        xw(AR, 0);
    if (wait_set(SR_SMF))
        return -1;
    xw(FCR, SR_SMF | SR_TCF);
    return wait_idle();
}

/* hw-soc 7.5, steps 1 to 9: clocks, pads, pins, controller; then the NOR out of whatever mode it is in. */
static int bring_up(void)
{
    REG(RCC + 0xA5C) = 0x00002000;  /* GPION on */
    REG(RCC + 0xA60) = 0x00003000;  /* XSPIM and XSPI2 on */
    REG(RCC + 0xA20) = 0x00023020;  /* all XSPI and XSPIM in reset ... */
    REG(RCC + 0x1220) = 0x00023020; /* ... and out of it */
    REG(RCC + 0x158) &= ~0x30u;     /* XSPI2 on HCLK5 */
    (void)REG(RCC + 0x158);
    REG(PWR + 0x3C) |= 0x200; /* VDDIO3 valid */
    REG(GPION + 0x20) = 0x09999999;
    REG(GPION + 0x24) = 0x00009999;
    REG(GPION + 0x08) = 0x00FF3FFF;
    REG(GPION + 0x0C) = 0x00000004;
    REG(GPION + 0x00) = 0xFFAAEAAA;
    REG(XSPIM) = 0;
    xw(DCR1, 0x01190100); /* MTYP Macronix, 64 MiB, CSHT 2 */
    if (wait_idle())
        return -1;
    xw(DCR2, 0);
    if (wait_idle())
        return -1;
    xw(TCR, 0);
    xw(CR, CONTROL);
    if (command(S_COMMAND, 0x66, 0, 0) || command(S_COMMAND, 0x99, 0, 0))
        return -1;
    if (command(O_COMMAND | 0x10, 0x6699, 0, 0) || command(O_COMMAND | 0x10, 0x9966, 0, 0))
        return -1;
    if (command(D_COMMAND, 0x6699, DHQC, 0) || command(D_COMMAND, 0x9966, DHQC, 0))
        return -1;
    for (uint32_t left = 100000; left; left--) { /* 100 ms at the most: until it knows its name and is not busy */
        uint8_t id[3], status;
        if (receive(S_DATA, 0x9F, 0, 0, id, 3) || receive(S_DATA, 0x05, 0, 0, &status, 1))
            return -1;
        if (id[0] == 0xC2 && !(status & 1))
            return 0;
    }
    return -1;
}

/* hw-flash 7: entry into octal DTR from SPI, 20 dummies. */
static int enter_octal_dtr(void)
{
    const uint8_t dummies = 0, dtr = 2;
    if (command(S_COMMAND, 0x06, 0, 0) || transmit(S_ADDRESS_DATA, 0x72, 0, 0x300, &dummies, 1))
        return -1;
    if (command(S_COMMAND, 0x06, 0, 0) || transmit(S_ADDRESS_DATA, 0x72, 0, 0, &dtr, 1))
        return -1;
    return 0;
}
