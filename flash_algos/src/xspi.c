/* The XSPI controller: commands one at a time, and the mapped window (hw-soc 7.2, 7.3; register order as in ST's HAL). */
#include "loader.h"

#pragma GCC optimize("O2") /* every byte of the NOR comes by here; the rest of the loader is built for size */

#define CR 0x000u
#define DCR1 0x008u
#define DCR2 0x00Cu
#define SR 0x020u
#define FCR 0x024u
#define DLR 0x040u
#define AR 0x048u
#define DR 0x050u
#define PSMKR 0x080u
#define PIR 0x090u
#define CCR 0x100u
#define TCR 0x108u
#define IR 0x110u
#define LPTR 0x130u
#define WCCR 0x180u

#define BURST 32u /* bytes per FIFO service of a read, which goes on while the other half fills; the FIFO holds 64 */
#define CR_RUN ((BURST - 1) << 8 | 1u)
#define REFILL 64u /* of a write: the empty FIFO is filled at once, and the bus stands still for less than a byte */
#define CR_REFILL ((REFILL - 1) << 8 | 1u)
#define CR_ABORT (1u << 1)
#define CR_TCEN (1u << 3)
#define CR_APMS (1u << 22)
#define CR_NOPREF (1u << 25)
#define CR_NOPREF_AXI (1u << 26)
#define FMODE_WRITE (0u << 28)
#define FMODE_READ (1u << 28)
#define FMODE_POLL (2u << 28)
#define FMODE_MAPPED (3u << 28)
#define CCR_ADMODE (7u << 8)
#define CCR_DDTR (1u << 27)
#define DCR1_DEVSIZE (31u << 16)
#define SR_TEF (1u << 0)
#define SR_TCF (1u << 1)
#define SR_FTF (1u << 2)
#define SR_SMF (1u << 3)
#define SR_TOF (1u << 4)
#define SR_BUSY (1u << 5)
#define ALL_FLAGS 0x1Bu

/* How long a flag is waited for. Between two services of the FIFO at most 64 bytes cross the bus, 4 ms with the largest prescaler. */
#define FLAG_US 20000u

#define BACKGROUND_US 25u /* of most of its steps; two of them before the typical time is over we only look */
#define LOOKS 16u /* at a flag, between two looks at the clock */

/* NCS goes up this many clocks after a mapped read, so that other masters and a later reset find the NOR idle. */
#define NCS_TIMEOUT 64u
#define WINDOW_LOOKS 200000u /* longer than that, on any clock */

#define XSPI2 0x5802A000u
#define XSPI2_WINDOW_SIZE 0x10000000u

volatile uint32_t *xspi_status;
void fill_page(const void *from, volatile uint32_t *dr); /* fill.S */

static uint32_t base;
static uint32_t mapped; /* the window was opened since the last command */
static uint32_t poll_mask, poll_interval; /* as in PSMKR and PIR, which a reset of the block clears, as PSMAR */

#define XSPI(offset) REG32(base + (offset))

/* `mask` did not become `wanted` at once: until it does, or TEF rises. */
static __attribute__((noinline)) uint32_t wait_status(uint32_t mask, uint32_t wanted)
{
    Deadline limit;
    for (uint32_t looks = 1;; looks++) {
        uint32_t sr = XSPI(SR) & (mask | SR_TEF);
        if (sr == wanted)
            return OK;
        if (sr & SR_TEF)
            return CONTROLLER;
        if (looks == LOOKS) /* most flags are there before the time is asked for */
            limit = deadline(FLAG_US);
        else if (!(looks % LOOKS) && expired(&limit))
            return TIMEOUT;
    }
}

/* Inlined: one look suffices more often than not, and these stand between every two bursts. */
static inline __attribute__((always_inline)) uint32_t wait_flag(uint32_t flag)
{
    return (XSPI(SR) & (flag | SR_TEF)) == flag ? OK : wait_status(flag, flag);
}

static inline __attribute__((always_inline)) uint32_t wait_idle(void)
{
    return (XSPI(SR) & (SR_BUSY | SR_TEF)) == 0 ? OK : wait_status(SR_BUSY, 0);
}

/* Gives the bus back. Never on an idle controller: that can wedge it (hw-flash 5.3). */
static void abort_if_busy(void)
{
    if (XSPI(SR) & SR_BUSY) {
        XSPI(CR) |= CR_ABORT;
        (void)wait_flag(SR_TCF);
        (void)wait_idle();
    }
    XSPI(FCR) = ALL_FLAGS;
}

/*
 * Out of mapped mode. The time-out has raised NCS by the time TOF is set, and BUSY falls with it or stays until an abort: the sources
 * differ (hw-soc 7.3). To abort before that could race with a BUSY that is about to fall.
 */
static void leave_window(void)
{
    for (uint32_t looks = WINDOW_LOOKS, sr = SR_BUSY; looks && (sr & (SR_BUSY | SR_TOF)) == SR_BUSY; looks--)
        sr = XSPI(SR);
    abort_if_busy();
    mapped = 0;
}

/* Nothing is under way, and command registers may be written. */
static inline __attribute__((always_inline)) uint32_t ready(void)
{
    if (mapped)
        leave_window();
    return wait_idle();
}

/*
 * Once nothing is under way. What is over shows in BUSY and FTF, which are levels: TCF would have to be cleared each time. With data to write the frame
 * begins with the first of them, else with the last register here.
 */
static __attribute__((noinline)) uint32_t start(const Command *command, uint32_t control, uint32_t size)
{
    uint32_t status = ready();
    if (status)
        return status;
    XSPI(CR) = control;
    if (size)
        XSPI(DLR) = size - 1;
    XSPI(TCR) = command->tcr;
    XSPI(CCR) = command->ccr;
    XSPI(IR) = command->ir;
    if (command->ccr & CCR_ADMODE)
        XSPI(AR) = command->ar;
    return OK;
}

static inline uint32_t checked(uint32_t status)
{
    if (status)
        abort_if_busy();
    return status;
}

uint32_t xspi_start(uint32_t registers, uint32_t dcr1, uint32_t prescaler)
{
    base = registers;
    xspi_status = &XSPI(SR);
    mapped = 0;
    poll_mask = poll_interval = 0;
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
    return checked(start(command, CR_RUN | FMODE_WRITE, 0));
}

uint32_t xspi_finish(void)
{
    return checked(ready());
}

/* Whole bursts, from the moment a burst is in the FIFO. Eight loads are written out: between two looks at the flags nothing else. */
static uint32_t drain(loose_u32 *words, uint32_t bursts)
{
    volatile uint32_t *dr = &XSPI(DR);
    uint32_t status = OK;
    for (; bursts; bursts--) {
        if ((status = wait_flag(SR_FTF)))
            break;
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
    return status;
}

/* The other direction, a whole FIFO at a time, from an address that is a multiple of 4: the FIFO takes them more slowly than the bus, so each instruction counts. */
static inline __attribute__((always_inline)) uint32_t fill_fast(const uint32_t *words, uint32_t refills)
{
    volatile uint32_t *dr = &XSPI(DR);
    uint32_t status = OK;
    for (; refills; refills--) {
        if ((status = wait_flag(SR_FTF)))
            break;
        __asm volatile(".rept 2\n\t"
                       "ldm %0!, {r3, r4, r5, r6, r8, r9, r10, r12}\n\t"
                       "str r3, [%1]\n\tstr r4, [%1]\n\tstr r5, [%1]\n\tstr r6, [%1]\n\t"
                       "str r8, [%1]\n\tstr r9, [%1]\n\tstr r10, [%1]\n\tstr r12, [%1]\n\t"
                       ".endr"
                       : "+r"(words)
                       : "r"(dr)
                       : "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "memory");
    }
    return status;
}

/* The end of a read sets FTF too: all of the tail is there then. */
static uint32_t drain_tail(uint8_t *bytes, uint32_t size)
{
    uint32_t status = wait_flag(SR_FTF);
    if (!status)
        do
            *bytes++ = REG8(base + DR);
        while (--size);
    return status;
}

uint32_t xspi_read(const Command *command, void *to, uint32_t size)
{
    uint32_t status = start(command, CR_RUN | FMODE_READ, size);
    if (!status && size >= BURST)
        status = drain(to, size / BURST);
    if (!status && size % BURST)
        status = drain_tail((uint8_t *)to + size / BURST * BURST, size % BURST);
    return checked(status);
}

/* With both edges only pairs of bytes move, and a register comes twice (hw-flash 1, 5.1). */
static inline uint32_t register_size(const Command *command)
{
    return command->ccr & CCR_DDTR ? 2 : 1;
}

uint32_t xspi_read_byte(const Command *command, uint32_t *value)
{
    uint32_t size = register_size(command);
    uint32_t status = start(command, CR_RUN | FMODE_READ, size);
    if (!status)
        status = wait_flag(SR_FTF);
    if (!status)
        *value = size == 1 ? REG8(base + DR) : REG16(base + DR) & 0xFFu;
    return checked(status);
}

static __attribute__((noinline)) uint32_t write_data(const void *from, uint32_t size)
{
    uint32_t refills = (uintptr_t)from & 3 ? 0 : size / REFILL;
    uint32_t status = fill_fast(from, refills);
    for (uint32_t at = refills * REFILL; !status && at < size; at++) {
        if (!(at % REFILL))
            status = wait_flag(SR_FTF);
        if (!status)
            REG8(base + DR) = ((const uint8_t *)from)[at];
    }
    return status;
}

/*
 * A page in 8D, without a look between two refills: a store into a full FIFO stalls (hw-soc 7.3), here for less than a word's 63 ns.
 */
static inline uint32_t write_page(const void *from)
{
    uint32_t status = wait_flag(SR_FTF);
    if (!status)
        fill_page(from, &XSPI(DR));
    return status;
}

uint32_t xspi_write(const Command *command, const void *from, uint32_t size)
{
    uint32_t status = start(command, CR_REFILL | FMODE_WRITE, size);
    if (!status)
        status = write_data(from, size);
    return checked(status);
}

/* Write enable and right behind it the program, with no register written twice: there is a pair of these for each page of the NOR. */
uint32_t xspi_program(const Bus *bus, uint32_t offset, const void *from, uint32_t size)
{
    uint32_t status = ready();
    if (!status) {
        XSPI(CR) = CR_REFILL | FMODE_WRITE;
        XSPI(TCR) = bus->tcr;
        XSPI(CCR) = bus->plain;
        XSPI(IR) = bus->write_enable;
        status = wait_idle();
    }
    if (!status) {
        XSPI(DLR) = size - 1;
        XSPI(CCR) = bus->address_out;
        XSPI(IR) = bus->program;
        XSPI(AR) = offset;
        uint32_t other = (size ^ PAGE_SIZE) | ((uint32_t)(uintptr_t)from & 3) | (~bus->address_out & CCR_DDTR);
        status = !other ? write_page(from) : write_data(from, size);
    }
    return checked(status);
}

/* `typical_us` is nearly over: until SMF rises and BUSY has fallen. */
static uint32_t wait_match(uint32_t longest_us)
{
    uint32_t differs, looks = LOOKS;
    do { /* one branch a look */
        differs = (XSPI(SR) ^ SR_SMF) & (SR_SMF | SR_BUSY);
        __asm("" : "+r"(differs)); /* or GCC makes two */
    } while (--looks & (0u - (differs != 0)));
    if (!differs)
        return OK;
    Deadline limit = deadline(longest_us); /* most are over by now, and have not asked for the time */
    for (looks = 1; (XSPI(SR) & (SR_SMF | SR_BUSY)) != SR_SMF; looks++)
        if (!(looks % LOOKS)) {
            if (expired(&limit))
                return TIMEOUT;
            (void)background();
        }
    return OK;
}

/* The controller repeats a status read every `interval` clocks until the masked bits are 0. */
static inline __attribute__((always_inline)) uint32_t poll_clear(const Bus *bus, uint32_t mask, const Wait *wait)
{
    uint32_t size = bus->registers & CCR_DDTR ? 2 : 1;
    uint32_t status = ready();
    if (status)
        return checked(status);
    mask *= size == 1 ? 1 : 0x101;
    if ((mask ^ poll_mask) | (wait->interval ^ poll_interval)) {
        XSPI(PSMKR) = poll_mask = mask;
        XSPI(PIR) = poll_interval = wait->interval;
    }
    XSPI(FCR) = ALL_FLAGS;
    XSPI(CR) = CR_RUN | FMODE_POLL | CR_APMS;
    XSPI(DLR) = size - 1;
    XSPI(TCR) = bus->registers_tcr;
    XSPI(CCR) = bus->registers;
    XSPI(IR) = bus->read_status;
    if (bus->registers & CCR_ADMODE)
        XSPI(AR) = 0;
    if (wait->typical_us > 3 * BACKGROUND_US && background()) { /* the first step is for the third of these */
        uint32_t slack = (wait->typical_us - 3 * BACKGROUND_US) * loader.cycles_per_us;
        for (uint32_t begun = cycles(); cycles() - begun < slack && background();) {
        }
    }
    return checked(wait_match(wait->longest_us));
}

/* Right behind a poll: another register, framed as the one that was polled. */
static inline __attribute__((always_inline)) uint32_t read_next(const Bus *bus, uint32_t opcode, uint32_t *value)
{
    XSPI(CR) = CR_RUN | FMODE_READ;
    XSPI(IR) = opcode;
    if (bus->registers & CCR_ADMODE)
        XSPI(AR) = 0;
    uint32_t status = wait_flag(SR_FTF);
    if (!status)
        *value = bus->registers & CCR_DDTR ? REG16(base + DR) & 0xFFu : REG8(base + DR);
    return checked(status);
}

/* To the end of an operation: until the masked bits are 0, and then the register behind `opcode`, where that is not 0. */
uint32_t xspi_await(const Bus *bus, uint32_t mask, const Wait *wait, uint32_t opcode, uint32_t *value)
{
    uint32_t status = poll_clear(bus, mask, wait);
    return status || !opcode ? status : read_next(bus, opcode, value);
}

/*
 * Memory-mapped reads, unless they are on. Command registers go first, while FMODE is 0 and the data phase keeps IR and AR from
 * starting anything. WCCR = 0: a stray write into the window faults instead of reaching the NOR. No prefetch: it corrupted reads,
 * and it may run past the end of the part (hw-soc 7.3). The barrier keeps reads of the window behind all this.
 */
uint32_t xspi_map(const Command *command)
{
    if (mapped && (XSPI(CR) & FMODE_MAPPED) == FMODE_MAPPED)
        return OK;
    uint32_t status = wait_idle();
    if (status)
        return checked(status);
    XSPI(FCR) = ALL_FLAGS;
    XSPI(CR) = CR_RUN | FMODE_WRITE;
    XSPI(TCR) = command->tcr;
    XSPI(CCR) = command->ccr;
    XSPI(IR) = command->ir;
    XSPI(WCCR) = 0;
    XSPI(LPTR) = NCS_TIMEOUT;
    XSPI(CR) = CR_RUN | FMODE_MAPPED | CR_TCEN | CR_NOPREF | CR_NOPREF_AXI;
    mapped = 1;
    __asm volatile("dsb" ::: "memory");
    return OK;
}

const uint8_t *xspi_window(uint32_t end)
{
    return base == XSPI2 && end <= XSPI2_WINDOW_SIZE ? (const uint8_t *)(uintptr_t)NOR_BASE : 0;
}
