/* The NOR's own commands, in 1S and in 8D; the reset frames also in 8S (hw-flash 2, 5, 6, 7). */
#include "loader.h"

#pragma GCC optimize("O2") /* what stands between two pages */

#define CCR_1S 0x00000001u            /* instruction only */
#define CCR_1S_ADDRESS 0x00003101u    /* + 4-byte address */
#define CCR_1S_DATA 0x01000001u       /* + data */
#define CCR_1S_ADDRESS_DATA 0x01003101u
#define CCR_1S_SFDP 0x01002101u       /* 3-byte address */
#define CCR_8S 0x00000014u            /* 16-bit instruction on 8 lines */
#define CCR_8D 0x0800001Cu            /* the same, both edges; DDTR because of DHQC (hw-flash 5.3) */
#define CCR_8D_ADDRESS 0x08003C1Cu     /* + 4-byte address, all on both edges */
#define CCR_8D_ADDRESS_IN 0x2C003C1Cu  /* + data, sampled by DQS */
#define CCR_8D_ADDRESS_OUT 0x0C003C1Cu /* + data, DQS off */
#define TCR_DHQC (1u << 28)
#define REGISTER_DUMMY 4u /* of register reads in 8D, whatever CR2 300h says */
#define SFDP_DUMMY 20u    /* of SFDP in 8D, likewise */

#define SR_WIP 0x01u
#define SR_WEL 0x02u
#define SR_BP 0x3Cu
#define SCUR_P_FAIL 0x20u
#define SCUR_E_FAIL 0x40u
#define MACRONIX 0xC2u
#define SFDP_SIGNATURE 0x50444653u

#define RESET_ROUNDS 3u
#define RESET_SHORTEST_US 40u /* hw-flash 4.2: recovery of an idle part */
#define RETRY_US 500u

static const Command READ_ID = {CCR_1S_DATA, 0, 0x9F, 0};
static const Command READ_ID_8D = {CCR_8D_ADDRESS_IN, TCR_DHQC | REGISTER_DUMMY, 0x9F60, 0};
static const Command READ_SFDP = {CCR_1S_SFDP, 8, 0x5A, 0};
static const Command READ_SFDP_8D = {CCR_8D_ADDRESS_IN, TCR_DHQC | SFDP_DUMMY, 0x5AA5, 0};

/* Configuration register 2: these two addresses are volatile, and no other is ever written (hw-flash 3). */
#define CR2_MODE 0x00000000u
#define CR2_DUMMY 0x00000300u
#define CR2_MODE_8D 0x02u
static const Command READ_CR2_DUMMY = {CCR_1S_ADDRESS_DATA, 0, 0x71, CR2_DUMMY};
static const Command WRITE_STATUS = {CCR_1S_DATA, 0, 0x01, 0};
static const Command WRITE_CR2_DUMMY = {CCR_1S_ADDRESS_DATA, 0, 0x72, CR2_DUMMY};
static const Command WRITE_CR2_MODE = {CCR_1S_ADDRESS_DATA, 0, 0x72, CR2_MODE};
static const Command WRITE_CR2_MODE_8D = {CCR_8D_ADDRESS_OUT, TCR_DHQC, 0x728D, CR2_MODE};

/* Reset enable and reset, in each mode the part may be in. In a wrong mode they are ignored (hw-flash 6). */
static const Command RESET[] = {
    {CCR_8D, TCR_DHQC, 0x6699, 0}, {CCR_8D, TCR_DHQC, 0x9966, 0}, {CCR_8S, 0, 0x6699, 0},
    {CCR_8S, 0, 0x9966, 0},        {CCR_1S, 0, 0x66, 0},          {CCR_1S, 0, 0x99, 0},
};

/*
 * Opcodes that a host must not ask for, whatever the host says: WRSR (but for nor_unprotect), WRSCUR, WRLR, WRPASS, WPSEL, WRCR2 (but for what is built in above), GBLK, GBULK, ENSO, WRDPB,
 * WRSPB, ESSPB, WRFBR, ESFBR. Some are one-time, some non-volatile (hw-flash 2.2, 2.3).
 */
static const uint8_t FORBIDDEN[] = {0x01, 0x2F, 0x2C, 0x28, 0x68, 0x72, 0x7E, 0x98, 0xB1, 0xE1, 0xE3, 0xE4, 0x17, 0x18};

static int is_opcode(uint32_t opcode)
{
    for (uint32_t i = 0; i < sizeof FORBIDDEN; i++)
        if (opcode == FORBIDDEN[i])
            return 0;
    return opcode <= 0xFF;
}

/* In 8D an opcode is followed by its inverse (hw-flash 2). */
static int is_pair(uint32_t opcode)
{
    return opcode >> 8 == (~opcode & 0xFFu) && is_opcode(opcode >> 8);
}

static int is_octal(const NorSetup *nor)
{
    if (!nor->octal_read_opcode)
        return 1;
    int opcodes = is_pair(nor->octal_read_opcode) && is_pair(nor->octal_program_opcode) && is_pair(nor->octal_sector_erase_opcode) &&
                  (is_pair(nor->octal_block_erase_opcode) || !nor->block_erase_opcode);
    return opcodes && nor->octal_read_dummy >= 6 && nor->octal_read_dummy <= 20 && !(nor->octal_read_dummy & 1);
}

uint32_t nor_check(const NorSetup *nor)
{
    int opcodes = nor->read_opcode && nor->program_opcode && nor->sector_erase_opcode && is_opcode(nor->read_opcode) &&
                  is_opcode(nor->program_opcode) && is_opcode(nor->sector_erase_opcode) && is_opcode(nor->block_erase_opcode) &&
                  is_opcode(nor->chip_erase_opcode);
    int geometry = !(nor->size % BLOCK_SIZE) && nor->page >= PAGE_SIZE && nor->ecc_chunk && nor->ecc_chunk <= CHUNK_SIZE &&
                   !(CHUNK_SIZE % nor->ecc_chunk) && nor->read_dummy <= 31;
    return opcodes && geometry && is_octal(nor) && nor->sector_max_us && nor->page_max_us ? OK : BAD_ARGUMENT;
}

static void use_1s(void)
{
    const NorSetup *nor = &loader.nor;
    loader.bus = (Bus){
        .plain = CCR_1S,
        .address = CCR_1S_ADDRESS,
        .address_in = CCR_1S_ADDRESS_DATA,
        .address_out = CCR_1S_ADDRESS_DATA,
        .registers = CCR_1S_DATA,
        .read_tcr = nor->read_dummy,
        .write_enable = 0x06,
        .write_disable = 0x04,
        .read_status = 0x05,
        .read_security = 0x2B,
        .read = nor->read_opcode,
        .program = nor->program_opcode,
        .sector_erase = nor->sector_erase_opcode,
        .block_erase = nor->block_erase_opcode,
    };
}

static void use_8d(void)
{
    const NorSetup *nor = &loader.nor;
    loader.bus = (Bus){
        .plain = CCR_8D,
        .address = CCR_8D_ADDRESS,
        .address_in = CCR_8D_ADDRESS_IN,
        .address_out = CCR_8D_ADDRESS_OUT,
        .registers = CCR_8D_ADDRESS_IN,
        .tcr = TCR_DHQC,
        .registers_tcr = TCR_DHQC | REGISTER_DUMMY,
        .read_tcr = TCR_DHQC | nor->octal_read_dummy,
        .write_enable = 0x06F9,
        .write_disable = 0x04FB,
        .read_status = 0x05FA,
        .read_security = 0x2BD4,
        .read = nor->octal_read_opcode,
        .program = nor->octal_program_opcode,
        .sector_erase = nor->octal_sector_erase_opcode,
        .block_erase = nor->octal_block_erase_opcode,
    };
}

static uint32_t read_register(uint32_t opcode, uint32_t *out)
{
    const Command command = {loader.bus.registers, loader.bus.registers_tcr, opcode, 0};
    *out = 0xFF;
    return xspi_read_byte(&command, out);
}

static uint32_t read_status(void)
{
    return read_register(loader.bus.read_status, &loader.sr);
}

static uint32_t send(uint32_t opcode)
{
    const Command command = {loader.bus.plain, loader.bus.tcr, opcode, 0};
    return xspi_command(&command);
}

static uint32_t reset_frames(void)
{
    uint32_t status = OK;
    for (uint32_t i = 0; !status && i < sizeof RESET / sizeof RESET[0]; i++)
        status = xspi_command(&RESET[i]);
    return status ? status : xspi_finish();
}

/* An undriven bus reads one value, or noise: an identity differs between its bytes and is the same twice. */
static uint32_t read_identity(Identity *out)
{
    uint8_t again[3];
    uint32_t status = xspi_read(&READ_ID, out->jedec, 3);
    if (!status)
        status = xspi_read(&READ_ID, again, 3);
    if (status)
        return status;
    int uniform = out->jedec[0] == out->jedec[1] && out->jedec[1] == out->jedec[2];
    return uniform || first_difference(out->jedec, again, 3) < 3 ? NO_ANSWER : OK;
}

/* Reset was sent: wait until the part identifies itself and is not busy. */
static uint32_t wait_ready(Identity *out)
{
    uint32_t shortest = loader.nor.reset_typ_us;
    delay(shortest > RESET_SHORTEST_US ? shortest : RESET_SHORTEST_US);
    for (Deadline limit = deadline(loader.nor.reset_max_us);;) {
        uint32_t status = read_identity(out);
        if (!status)
            status = read_status();
        if (!status && (loader.sr & SR_WIP))
            status = TIMEOUT;
        if (!status || expired(&limit))
            return status;
        delay(RETRY_US);
    }
}

uint32_t nor_recover(Identity *out)
{
    uint32_t status = OK;
    use_1s();
    for (uint32_t round = 0; round < RESET_ROUNDS; round++) {
        status = reset_frames();
        if (!status)
            status = wait_ready(out);
        if (!status)
            break;
    }
    loader.maker = out->jedec[0];
    if (!status && loader.maker == MACRONIX)
        status = read_register(loader.bus.read_security, &loader.scur);
    return status;
}

/* Density is the second dword of the basic table, whose place stands in the first parameter header (JESD216). */
static uint32_t sfdp_size(const uint8_t *sfdp)
{
    uint32_t pointer = *(const loose_u32 *)(sfdp + 0x0C) & 0xFFFFFFu;
    if (pointer > SFDP_SIZE - 8)
        return 0;
    uint32_t density = *(const loose_u32 *)(sfdp + pointer + 4);
    if (density & 0x80000000u) {
        density &= 0x7FFFFFFFu;
        return density >= 3 && density < 35 ? 1u << (density - 3) : 0;
    }
    return (density + 1) / 8;
}

uint32_t nor_read_sfdp(Identity *out)
{
    uint32_t status = xspi_read(&READ_SFDP, out->sfdp, SFDP_SIZE);
    if (status)
        return status;
    if (*(const loose_u32 *)out->sfdp == SFDP_SIGNATURE)
        out->sfdp_bytes = SFDP_SIZE;

    uint32_t size = loader.nor.size;
    if (!size && out->sfdp_bytes)
        size = sfdp_size(out->sfdp);
    if (!size && (out->jedec[2] & 0x1Fu) >= 20 && (out->jedec[2] & 0x1Fu) < 31)
        size = 1u << (out->jedec[2] & 0x1Fu); /* Macronix: low five bits are the exponent */
    if (size < BLOCK_SIZE || size % BLOCK_SIZE)
        return SIZE_UNKNOWN;
    loader.size = out->size = size;
    return xspi_set_size(size);
}

/*
 * Through the window where that is possible: no flag to look at between two bursts. It is read upwards and once, in whole words,
 * because nothing caches it (core_quiet), and each access that does not go on where the last one ended costs a new command.
 */
uint32_t nor_read(uint32_t offset, void *to, uint32_t size)
{
    Command command = {loader.bus.address_in, loader.bus.read_tcr, loader.bus.read, offset};
    const uint8_t *window = xspi_window(offset + size);
    if (!window || ((offset | (uint32_t)(uintptr_t)to) & 3))
        return xspi_read(&command, to, size);
    uint32_t status = xspi_map(&command);
    if (!status)
        copy_words(to, window + offset, size);
    return status;
}

/* Without WEL the part ignores what follows and no flag tells (hw-flash 2.4). */
uint32_t nor_write_enable(void)
{
    uint32_t status = send(loader.bus.write_enable);
    if (!status)
        status = read_status();
    if (!status && !(loader.sr & SR_WEL))
        status = WEL_NOT_SET;
    return status;
}

uint32_t nor_write_disable(void)
{
    uint32_t status = send(loader.bus.write_disable);
    return status ? status : xspi_finish();
}

/* Poll in steps of 1/256 of the typical time, from half a microsecond to 32: at 32 clocks a microsecond that is an eighth as many clocks. */
static uint32_t poll_interval(uint32_t typical_us)
{
    uint32_t clocks = typical_us / 8;
    return clocks < 16 ? 16 : clocks > 1024 ? 1024 : clocks;
}

/* The fail bits live until the next operation starts, so they are read at once (hw-flash 3). */
static uint32_t finish(uint32_t typical_us, uint32_t longest_us, uint32_t fail_bit, uint32_t fail_status)
{
    const Wait wait = {poll_interval(typical_us), typical_us, longest_us};
    uint32_t security = loader.maker == MACRONIX ? loader.bus.read_security : 0;
    uint32_t status = xspi_await(&loader.bus, SR_WIP, &wait, security, &loader.scur);
    if (status || !security || !(loader.scur & fail_bit))
        return status;
    (void)read_status();
    return loader.sr & SR_BP ? PROTECTED : fail_status;
}

static uint32_t note_failure(uint32_t status, uint32_t offset)
{
    if (status)
        loader.failed_at = offset;
    return status;
}

/* A program without WEL does nothing: the proof of the block finds that, and its cause (block.c). */
uint32_t nor_program(uint32_t offset, const void *from, uint32_t size)
{
    if (size - 1 >= PAGE_SIZE - offset % PAGE_SIZE) /* it would wrap, or without an end keep the controller busy for hours */
        return note_failure(BAD_ARGUMENT, offset);
    uint32_t status = xspi_program(&loader.bus, offset, from, size);
    if (!status)
        status = finish(loader.nor.page_typ_us, loader.nor.page_max_us, SCUR_P_FAIL, PROGRAM_FAIL);
    return note_failure(status, offset);
}

static uint32_t erase(uint32_t ccr, uint32_t opcode, uint32_t offset, uint32_t typical_us, uint32_t longest_us)
{
    const Command command = {ccr, loader.bus.tcr, opcode, offset};
    uint32_t status = nor_write_enable();
    if (!status)
        status = xspi_command(&command);
    if (!status)
        status = finish(typical_us, longest_us, SCUR_E_FAIL, ERASE_FAIL);
    return note_failure(status, offset);
}

uint32_t nor_erase_sector(uint32_t offset)
{
    const NorSetup *nor = &loader.nor;
    return erase(loader.bus.address, loader.bus.sector_erase, offset, nor->sector_typ_us, nor->sector_max_us);
}

uint32_t nor_erase_block(uint32_t offset)
{
    const NorSetup *nor = &loader.nor;
    return erase(loader.bus.address, loader.bus.block_erase, offset, nor->block_typ_us, nor->block_max_us);
}

uint32_t nor_erase_chip(void)
{
    const NorSetup *nor = &loader.nor;
    return nor->chip_erase_opcode ? erase(CCR_1S, nor->chip_erase_opcode, 0, nor->chip_typ_us, nor->chip_max_us) : BAD_ARGUMENT;
}

/*
 * Only when the user asks for it: the BP bits are non-volatile. One byte is sent, so that CR with its one-time TB stays as it is
 * (hw-flash 2.2, 7), and none where the bits are 0 already.
 */
uint32_t nor_unprotect(void)
{
    if (loader.maker != MACRONIX)
        return BAD_ARGUMENT; /* other makers' bits mean other things */
    uint32_t status = read_status();
    if (status || !(loader.sr & SR_BP))
        return status;
    status = nor_write_enable();
    if (!status) {
        const uint8_t value = (uint8_t)(loader.sr & ~(SR_BP | SR_WEL | SR_WIP));
        status = xspi_write(&WRITE_STATUS, &value, 1);
    }
    if (!status)
        status = finish(loader.nor.register_typ_us, loader.nor.register_max_us, 0, OK);
    if (!status)
        status = read_status();
    return !status && (loader.sr & SR_BP) ? PROTECTED : status;
}

uint32_t nor_map(void)
{
    const Command command = {loader.bus.address_in, loader.bus.read_tcr, loader.bus.read, 0};
    return xspi_map(&command);
}

/* ---- octal DTR ---- */

#define PROOF_SIZE 256u

typedef struct {
    uint32_t identity[2]; /* words, because the window is read in words */
    uint32_t sfdp[PROOF_SIZE / 4];
    uint32_t array[PROOF_SIZE / 4];
} Proof;

static uint32_t read_proof(const Command *id, uint32_t id_size, const Command *sfdp, Proof *out)
{
    clear(out, sizeof *out);
    uint32_t status = xspi_read(id, out->identity, id_size);
    if (!status)
        status = xspi_read(sfdp, out->sfdp, PROOF_SIZE);
    if (!status)
        status = nor_read(0, out->array, PROOF_SIZE);
    return status;
}

/* Registers come at single rate: each byte twice (hw-flash 1). */
static void halve(uint32_t identity[2])
{
    const uint8_t *bytes = (const uint8_t *)identity;
    identity[0] = bytes[0] | (uint32_t)bytes[2] << 8 | (uint32_t)bytes[4] << 16;
    identity[1] = 0;
}

/* Behind WREN. Volatile addresses are written in less time than any next command takes (hw-flash 4.1). */
static uint32_t write_cr2(const Command *command, uint32_t value)
{
    const uint8_t twice[2] = {(uint8_t)value, (uint8_t)value}; /* the part keeps one of the two, in 8D (hw-flash 5.2) */
    uint32_t status = send(loader.bus.write_enable);
    if (!status)
        status = xspi_write(command, twice, command == &WRITE_CR2_MODE_8D ? 2 : 1);
    return status ? status : xspi_finish();
}

static uint32_t enter_octal(void)
{
    Proof slow, fast;
    uint32_t code = (20 - loader.nor.octal_read_dummy) / 2, found = ~0u; /* hw-flash 4.3 */
    uint32_t status = read_proof(&READ_ID, 3, &READ_SFDP, &slow);
    if (!status && slow.sfdp[0] != SFDP_SIGNATURE)
        status = MISMATCH; /* nothing to tell the order of a pair by */
    if (!status)
        status = write_cr2(&WRITE_CR2_DUMMY, code);
    if (!status)
        status = xspi_read_byte(&READ_CR2_DUMMY, &found);
    if (!status && found != code)
        status = WEL_NOT_SET;
    if (!status)
        status = write_cr2(&WRITE_CR2_MODE, CR2_MODE_8D);
    if (status)
        return status;
    use_8d();
    status = read_proof(&READ_ID_8D, 6, &READ_SFDP_8D, &fast);
    halve(fast.identity);
    return status ? status : first_difference(&slow, &fast, sizeof slow) == sizeof slow ? OK : MISMATCH;
}

static uint32_t back_to_1s(void)
{
    Identity found;
    return nor_recover(&found);
}

/*
 * Trusted only when the identity, SFDP and the array read as in 1S. The identity goes first: without a strobe the controller waits
 * for ever, and an indirect read can be given up, a read of the window not.
 */
uint32_t nor_go_octal(void)
{
    if (!loader.nor.octal_read_opcode || loader.maker != MACRONIX || loader.has_pll)
        return OK;
    uint32_t status = enter_octal();
    if (status) {
        uint32_t recovered = back_to_1s();
        loader.is_open = !recovered;
    }
    return status;
}

/* The clean way first; if the part does not answer in 1S then, the way that works from any state. */
uint32_t nor_leave_octal(void)
{
    Identity found;
    if (loader.bus.plain == CCR_1S)
        return OK;
    uint32_t status = write_cr2(&WRITE_CR2_MODE_8D, 0);
    use_1s();
    if (!status)
        status = read_identity(&found);
    if (!status && found.jedec[0] == loader.maker)
        return OK;
    return back_to_1s();
}
