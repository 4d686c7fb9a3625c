/* The XSPI controller in indirect and polling mode, one command at a time (hw-soc 7.2, 7.3; register order as in ST's HAL). */
#include "loader.h"

#define CR 0x000u
#define DCR1 0x008u
#define DCR2 0x00Cu
#define SR 0x020u
#define FCR 0x024u
#define DLR 0x040u
#define AR 0x048u
#define DR 0x050u
#define PSMKR 0x080u
#define PSMAR 0x088u
#define PIR 0x090u
#define CCR 0x100u
#define TCR 0x108u
#define IR 0x110u
#define LPTR 0x130u
#define WCCR 0x180u

#define BURST 32u /* bytes per FIFO service; the FIFO holds 64 */
#define CR_RUN ((BURST - 1) << 8 | 1u)
#define CR_ABORT (1u << 1)
#define CR_TCEN (1u << 3)
#define CR_APMS (1u << 22)
#define CR_NOPREF_AXI (1u << 26)
#define FMODE_WRITE (0u << 28)
#define FMODE_READ (1u << 28)
#define FMODE_POLL (2u << 28)
#define FMODE_MAPPED (3u << 28)
#define CCR_ADMODE (7u << 8)
#define DCR1_DEVSIZE (31u << 16)
#define SR_TEF (1u << 0)
#define SR_TCF (1u << 1)
#define SR_FTF (1u << 2)
#define SR_SMF (1u << 3)
#define SR_BUSY (1u << 5)
#define ALL_FLAGS 0x1Bu

/*
 * How often a flag is read before we give up. Between two services of the FIFO at most 64 bytes cross the bus, 16 us at 32 MHz
 * and 4 ms with the largest prescaler; 200 000 reads of a register take longer than that on any clock.
 */
#define POLLS 200000u

/* NCS goes up this many clocks after a mapped read, so that other masters and a later reset find the NOR idle. */
#define NCS_TIMEOUT 64u

static uint32_t base;

#define XSPI(offset) REG32(base + (offset))

/* Until one of the flags is set. Inlined: it stands between every two bursts. */
static inline __attribute__((always_inline)) uint32_t wait_flag(uint32_t flags)
{
    volatile uint32_t *status = &XSPI(SR);
    uint32_t polls = POLLS, sr;
    do
        sr = *status;
    while (!(sr & (flags | SR_TEF)) && --polls);
    return (sr & SR_TEF) ? CONTROLLER : (sr & flags) ? OK : TIMEOUT;
}

static uint32_t wait_idle(void)
{
    for (uint32_t polls = POLLS; polls; polls--)
        if (!(XSPI(SR) & SR_BUSY))
            return OK;
    return TIMEOUT;
}

/* Gives the bus back after a failure. Never on an idle controller: that can wedge it (hw-flash 5.3). */
static uint32_t give_up(uint32_t status)
{
    if (XSPI(SR) & SR_BUSY) {
        XSPI(CR) |= CR_ABORT;
        (void)wait_flag(SR_TCF);
        (void)wait_idle();
    }
    XSPI(FCR) = ALL_FLAGS;
    return status;
}

/* Leaves the controller started, unless it still waits for data to write. */
static uint32_t begin(const Command *command, uint32_t mode, uint32_t size)
{
    uint32_t status = wait_idle();
    if (status)
        return status;
    XSPI(FCR) = ALL_FLAGS;
    XSPI(CR) = CR_RUN | mode;
    if (size)
        XSPI(DLR) = size - 1;
    XSPI(TCR) = command->tcr;
    XSPI(CCR) = command->ccr;
    XSPI(IR) = command->ir;
    if (command->ccr & CCR_ADMODE)
        XSPI(AR) = command->ar;
    return OK;
}

static uint32_t end(uint32_t status)
{
    if (!status)
        status = wait_flag(SR_TCF);
    if (status)
        return give_up(status);
    XSPI(FCR) = ALL_FLAGS;
    return OK;
}

uint32_t xspi_start(uint32_t registers, uint32_t dcr1, uint32_t prescaler)
{
    base = registers;
    XSPI(DCR1) = (dcr1 & ~DCR1_DEVSIZE) | 25u << 16; /* 64 MiB until the part has told its size */
    uint32_t status = wait_idle();
    if (status)
        return status;
    XSPI(DCR2) = prescaler; /* arms a calibration, BUSY while it runs (hw-soc 7.3) */
    status = wait_idle();
    XSPI(CR) = CR_RUN;
    return status;
}

uint32_t xspi_set_size(uint32_t size)
{
    uint32_t status = wait_idle();
    uint32_t exponent = 31u - (uint32_t)__builtin_clz(size - 1); /* DEVSIZE n: 2^(n+1) bytes, rounded up */
    XSPI(DCR1) = (XSPI(DCR1) & ~DCR1_DEVSIZE) | exponent << 16;
    return status;
}

uint32_t xspi_command(const Command *command)
{
    return end(begin(command, FMODE_WRITE, 0));
}

/* Whole bursts, from the moment a burst is in the FIFO. Eight loads are written out: between two looks at the flags nothing else. */
static uint32_t drain(loose_u32 *words, uint32_t bursts)
{
    volatile uint32_t *status = &XSPI(SR), *dr = &XSPI(DR);
    for (; bursts; bursts--) {
        uint32_t polls = POLLS, sr;
        do
            sr = *status & (SR_FTF | SR_TEF);
        while (!sr && --polls);
        if (sr != SR_FTF)
            return sr ? CONTROLLER : TIMEOUT;
        words[0] = *dr;
        words[1] = *dr;
        words[2] = *dr;
        words[3] = *dr;
        words[4] = *dr;
        words[5] = *dr;
        words[6] = *dr;
        words[7] = *dr;
        words += BURST / 4;
    }
    return OK;
}

uint32_t xspi_read(const Command *command, void *to, uint32_t size)
{
    uint32_t bursts = size / BURST;
    uint32_t status = begin(command, FMODE_READ, size);
    if (!status)
        status = drain(to, bursts);
    status = end(status); /* the tail fits into the FIFO and waits there */
    uint8_t *bytes = (uint8_t *)to + bursts * BURST;
    for (size %= BURST; !status && size; size--)
        *bytes++ = REG8(base + DR);
    return status;
}

uint32_t xspi_write(const Command *command, const void *from, uint32_t size)
{
    const loose_u32 *words = from;
    uint32_t status = begin(command, FMODE_WRITE, size);
    for (; !status && size >= BURST; size -= BURST) {
        status = wait_flag(SR_FTF);
        if (status)
            break;
        volatile uint32_t *dr = &XSPI(DR);
        *dr = words[0];
        *dr = words[1];
        *dr = words[2];
        *dr = words[3];
        *dr = words[4];
        *dr = words[5];
        *dr = words[6];
        *dr = words[7];
        words += BURST / 4;
    }
    if (!status && size)
        status = wait_flag(SR_FTF);
    for (const uint8_t *bytes = (const uint8_t *)words; !status && size; size--)
        REG8(base + DR) = *bytes++;
    return end(status);
}

/* The controller repeats a one-byte status read every `interval` clocks until the masked bits are 0. */
uint32_t xspi_poll_clear(const Command *command, uint32_t mask, uint32_t interval, uint32_t longest_us)
{
    uint32_t status = wait_idle();
    if (status)
        return status;
    XSPI(PSMKR) = mask;
    XSPI(PSMAR) = 0;
    XSPI(PIR) = interval;
    Deadline limit = deadline(longest_us);
    status = begin(command, FMODE_POLL | CR_APMS, 1);
    while (!status && !(XSPI(SR) & SR_SMF))
        if (expired(&limit))
            return give_up(TIMEOUT);
    XSPI(FCR) = ALL_FLAGS;
    return status;
}

/*
 * Memory-mapped reads. Command registers go first, while FMODE is 0 and the data phase keeps IR and AR from starting anything.
 * WCCR = 0: a stray write into the window faults instead of reaching the NOR. No prefetch for AXI: it corrupted reads (hw-soc 7.3).
 */
uint32_t xspi_map(const Command *command)
{
    uint32_t status = wait_idle();
    if (status)
        return status;
    XSPI(FCR) = ALL_FLAGS;
    XSPI(CR) = CR_RUN | FMODE_WRITE;
    XSPI(TCR) = command->tcr;
    XSPI(CCR) = command->ccr;
    XSPI(IR) = command->ir;
    XSPI(WCCR) = 0;
    XSPI(LPTR) = NCS_TIMEOUT;
    XSPI(CR) = CR_RUN | FMODE_MAPPED | CR_TCEN | CR_NOPREF_AXI;
    return OK;
}
