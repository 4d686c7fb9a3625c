/* The NOR's own commands, all in 1S; only the reset frames are also sent in the octal modes (hw-flash 2, 6, 7). */
#include "loader.h"

#define CCR_1S 0x00000001u            /* instruction only */
#define CCR_1S_ADDRESS 0x00003101u    /* + 4-byte address */
#define CCR_1S_DATA 0x01000001u       /* + data */
#define CCR_1S_ADDRESS_DATA 0x01003101u
#define CCR_1S_SFDP 0x01002101u       /* 3-byte address */
#define CCR_8S 0x00000014u            /* 16-bit instruction on 8 lines */
#define CCR_8D 0x0800001Cu            /* the same, both edges; DDTR because of DHQC (hw-flash 5.3) */
#define TCR_DHQC (1u << 28)

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
static const Command READ_STATUS = {CCR_1S_DATA, 0, 0x05, 0};
static const Command READ_SECURITY = {CCR_1S_DATA, 0, 0x2B, 0};
static const Command READ_SFDP = {CCR_1S_SFDP, 8, 0x5A, 0};
static const Command WRITE_ENABLE = {CCR_1S, 0, 0x06, 0};
static const Command WRITE_DISABLE = {CCR_1S, 0, 0x04, 0};

/* Reset enable and reset, in each mode the part may be in. In a wrong mode they are ignored (hw-flash 6). */
static const Command RESET[] = {
    {CCR_8D, TCR_DHQC, 0x6699, 0}, {CCR_8D, TCR_DHQC, 0x9966, 0}, {CCR_8S, 0, 0x6699, 0},
    {CCR_8S, 0, 0x9966, 0},        {CCR_1S, 0, 0x66, 0},          {CCR_1S, 0, 0x99, 0},
};

/*
 * Opcodes that must never leave here, whatever the host says: WRSR, WRSCUR, WRLR, WRPASS, WPSEL, WRCR2, GBLK, GBULK, ENSO, WRDPB,
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

uint32_t nor_check(const NorSetup *nor)
{
    int opcodes = nor->read_opcode && nor->program_opcode && nor->sector_erase_opcode && is_opcode(nor->read_opcode) &&
                  is_opcode(nor->program_opcode) && is_opcode(nor->sector_erase_opcode) && is_opcode(nor->block_erase_opcode) &&
                  is_opcode(nor->chip_erase_opcode);
    int geometry = !(nor->size % BLOCK_SIZE) && nor->page >= PAGE_SIZE && nor->ecc_chunk && nor->ecc_chunk <= CHUNK_SIZE &&
                   !(CHUNK_SIZE % nor->ecc_chunk) && nor->read_dummy <= 31;
    return opcodes && geometry && nor->sector_max_us && nor->page_max_us ? OK : BAD_ARGUMENT;
}

static uint32_t read_byte(const Command *command, uint32_t *out)
{
    *out = 0xFF;
    return xspi_read_byte(command, out);
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
            status = read_byte(&READ_STATUS, &loader.sr);
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
    for (uint32_t round = 0; round < RESET_ROUNDS; round++) {
        status = reset_frames();
        if (!status)
            status = wait_ready(out);
        if (!status)
            break;
    }
    loader.maker = out->jedec[0];
    if (!status && loader.maker == MACRONIX)
        status = read_byte(&READ_SECURITY, &loader.scur);
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
    Command command = {CCR_1S_ADDRESS_DATA, loader.nor.read_dummy, loader.nor.read_opcode, offset};
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
    uint32_t status = xspi_command(&WRITE_ENABLE);
    if (!status)
        status = read_byte(&READ_STATUS, &loader.sr);
    if (!status && !(loader.sr & SR_WEL))
        status = WEL_NOT_SET;
    return status;
}

uint32_t nor_write_disable(void)
{
    uint32_t status = xspi_command(&WRITE_DISABLE);
    return status ? status : xspi_finish();
}

/* Poll in steps of 1/64 of the typical time: at 32 clocks a microsecond that is half as many clocks. */
static uint32_t poll_interval(uint32_t typical_us)
{
    uint32_t clocks = typical_us / 2;
    return clocks < 16 ? 16 : clocks > 0xFFFF ? 0xFFFF : clocks;
}

/* The fail bits live until the next operation starts, so they are read at once (hw-flash 3). */
static uint32_t finish(uint32_t typical_us, uint32_t longest_us, uint32_t fail_bit, uint32_t fail_status)
{
    uint32_t status = xspi_poll_clear(&READ_STATUS, SR_WIP, poll_interval(typical_us), longest_us);
    if (status || loader.maker != MACRONIX)
        return status;
    status = read_byte(&READ_SECURITY, &loader.scur);
    if (status || !(loader.scur & fail_bit))
        return status;
    (void)read_byte(&READ_STATUS, &loader.sr);
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
    Command command = {CCR_1S_ADDRESS_DATA, 0, loader.nor.program_opcode, offset};
    if (size - 1 >= PAGE_SIZE - offset % PAGE_SIZE) /* it would wrap, or without an end keep the controller busy for hours */
        return note_failure(BAD_ARGUMENT, offset);
    uint32_t status = xspi_write_after(&WRITE_ENABLE, &command, from, size);
    if (!status)
        status = finish(loader.nor.page_typ_us, loader.nor.page_max_us, SCUR_P_FAIL, PROGRAM_FAIL);
    return note_failure(status, offset);
}

static uint32_t erase(uint32_t ccr, uint32_t opcode, uint32_t offset, uint32_t typical_us, uint32_t longest_us)
{
    Command command = {ccr, 0, opcode, offset};
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
    return erase(CCR_1S_ADDRESS, nor->sector_erase_opcode, offset, nor->sector_typ_us, nor->sector_max_us);
}

uint32_t nor_erase_block(uint32_t offset)
{
    const NorSetup *nor = &loader.nor;
    return erase(CCR_1S_ADDRESS, nor->block_erase_opcode, offset, nor->block_typ_us, nor->block_max_us);
}

uint32_t nor_erase_chip(void)
{
    const NorSetup *nor = &loader.nor;
    return nor->chip_erase_opcode ? erase(CCR_1S, nor->chip_erase_opcode, 0, nor->chip_typ_us, nor->chip_max_us) : BAD_ARGUMENT;
}

uint32_t nor_map(void)
{
    Command command = {CCR_1S_ADDRESS_DATA, loader.nor.read_dummy, loader.nor.read_opcode, 0};
    return xspi_map(&command);
}
