/* The whole day of a flash driver in one line: identity, SFDP, erase, program, read (hw-soc 7.5, hw-flash 7). Gives 0, or the
 * number of the step that failed. */
#include "xspi2.h"

struct {
    uint8_t id[3], sfdp[16], enabled, blank[256], page[256], over[16], status_after, security;
} result;

static int wait_ready(void)
{
    uint8_t status = 1;
    for (uint32_t left = PATIENCE; left; left--) {
        if (receive(S_DATA, 0x05, 0, 0, &status, 1))
            return -1;
        if (!(status & 1))
            return 0;
    }
    return -1;
}

int program(void)
{
    static uint8_t data[256];
    for (unsigned i = 0; i < 256; i++)
        data[i] = (uint8_t)(i * 7 + 3);
    if (bring_up())
        return 1;
    if (receive(S_DATA, 0x9F, 0, 0, result.id, 3))
        return 2;
    if (receive(S_SFDP, 0x5A, 8, 0, result.sfdp, 16))
        return 3;
    if (command(S_COMMAND, 0x06, 0, 0) || receive(S_DATA, 0x05, 0, 0, &result.enabled, 1))
        return 4;
    if (command(S_ADDRESS, 0x21, 0, 0x123000) || wait_ready())
        return 5;
    if (receive(S_ADDRESS_DATA, 0x0C, 8, 0x123100, result.blank, 256))
        return 6;
    /* from the middle of a page: the second half goes to the page's start */
    if (command(S_COMMAND, 0x06, 0, 0) || transmit(S_ADDRESS_DATA, 0x12, 0, 0x123180, data, 256) || wait_ready())
        return 7;
    if (receive(S_ADDRESS_DATA, 0x13, 0, 0x123100, result.page, 256))
        return 8;
    /* a second program can only clear bits; without write enable nothing happens at all */
    static const uint8_t ones[16] = {0x0F, 0x0F, 0x0F, 0x0F, 0x0F, 0x0F, 0x0F, 0x0F};
    if (transmit(S_ADDRESS_DATA, 0x12, 0, 0x123180, data + 128, 16) || wait_ready())
        return 9;
    if (command(S_COMMAND, 0x06, 0, 0) || transmit(S_ADDRESS_DATA, 0x12, 0, 0x123180, ones, 16) || wait_ready())
        return 10;
    if (receive(S_ADDRESS_DATA, 0x0C, 8, 0x123180, result.over, 16))
        return 11;
    if (receive(S_DATA, 0x05, 0, 0, &result.status_after, 1) || receive(S_DATA, 0x2B, 0, 0, &result.security, 1))
        return 12;
    return 0;
}
