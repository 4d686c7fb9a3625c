/* Eight lines at both edges: identity, erase, program, read, automatic polling, then the window; and back to one line
 * (hw-flash 5, 7; hw-soc 7.4). Gives 0, or the number of the step that failed. */
#include "xspi2.h"

struct {
    uint8_t id[6], status[2], page[256], by_strobe[16], too_early[16], swapped[16], mapped[256], in_one_line[16];
    uint32_t word, word_aliased;
} result;

static const uint32_t PLACE = 0x200000;

static int write_enable(void)
{
    /* WEL is there at once: polled all the same */
    return command(D_COMMAND, 0x06F9, DHQC, 0) || poll_status(D_READ, 0x05FA, DHQC | 4, 2, 2, 2);
}

static int wait_ready(void)
{
    return poll_status(D_READ, 0x05FA, DHQC | 4, 2, 1, 0);
}

int program(void)
{
    static uint8_t data[256];
    for (unsigned i = 0; i < 256; i++)
        data[i] = (uint8_t)(255 - i);
    if (bring_up())
        return 1;
    if (enter_octal_dtr())
        return 2;
    if (receive(D_READ, 0x9F60, DHQC | 4, 0, result.id, 6) || receive(D_READ, 0x05FA, DHQC | 4, 0, result.status, 2))
        return 3;
    if (write_enable() || command(D_ADDRESS, 0xDC23, DHQC, PLACE) || wait_ready())
        return 4;
    if (write_enable() || transmit(D_WRITE, 0x12ED, DHQC, PLACE, data, 256) || wait_ready())
        return 5;
    if (receive(D_READ, 0xEE11, DHQC | 20, PLACE, result.page, 256))
        return 6;
    /* by the strobe the controller finds the data whatever it counted; without it, it samples too early */
    if (receive(D_READ, 0xEE11, DHQC | 18, PLACE, result.by_strobe, 16))
        return 7;
    if (receive(D_READ_UNSTROBED, 0xEE11, DHQC | 18, PLACE, result.too_early, 16))
        return 7;
    xw(DCR1, 0x00190100); /* the memory type that does not swap */
    if (receive(D_READ, 0xEE11, DHQC | 20, PLACE, result.swapped, 16))
        return 8;
    xw(DCR1, 0x01190100);
    /* the window, with NCS let go after 64 clocks */
    if (wait_idle())
        return 9;
    xw(CR, CONTROL);
    xw(CCR, D_READ);
    xw(TCR, DHQC | 20);
    xw(IR, 0xEE11);
    xw(WCCR, 0);
    xw(LPTR, 64);
    xw(CR, CONTROL | FMODE_MAPPED | TCEN);
    for (unsigned i = 0; i < 256; i++)
        result.mapped[i] = REG8(WINDOW + PLACE + i);
    result.word = REG(WINDOW + PLACE + 4);
    result.word_aliased = REG(0x60000000 + PLACE + 4 + 0x10000000); /* the same address, computed late */
    if (x(SR) & SR_BUSY) {
        xw(CR, x(CR) | ABORT);
        if (finish())
            return 10;
    }
    xw(CR, CONTROL);
    /* back: WREN, WRCR2(0) = 00 00, both bytes alike */
    static const uint8_t zero[2] = {0, 0};
    if (write_enable() || transmit(D_WRITE, 0x728D, DHQC, 0, zero, 2))
        return 11;
    if (receive(S_ADDRESS_DATA, 0x13, 0, PLACE, result.in_one_line, 16))
        return 12;
    return 0;
}
