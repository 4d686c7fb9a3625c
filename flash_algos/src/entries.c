/* The entries behind the veneers of start.S: n6prog's own, and those of CMSIS for pyOCD and other tools. */
#include "loader.h"

Loader loader;

/* The usual 1S commands with 4-byte addresses; times are Macronix's (hw-flash 4.1), the size comes from SFDP. */
static const NorSetup USUAL_NOR = {
    .page = 256,
    .ecc_chunk = 16,
    .read_opcode = 0x0C,
    .read_dummy = 8,
    .program_opcode = 0x12,
    .sector_erase_opcode = 0x21,
    .block_erase_opcode = 0xDC,
    .chip_erase_opcode = 0x60,
    .sector_typ_us = 25000,
    .sector_max_us = 1000000,
    .block_typ_us = 256000,
    .block_max_us = 7000000,
    .page_typ_us = 152,
    .page_max_us = 10000,
    .chip_typ_us = 192000000,
    .chip_max_us = 600000000,
    .register_typ_us = 1000,
    .register_max_us = 100000,
    .reset_typ_us = 40,
    .reset_max_us = 100000,
};

/* Both ST boards: XSPI2 on port 2, PN0-6 and PN8-11 as AF9, pull-up on NCS (PN1), rail VDDIO3 (hw-soc 5, 6). */
static const BoardSetup ST_BOARDS = {
    .xspi_base = 0x5802A000,
    .xspi_rcc_bits = 0x00003000,
    .all_xspi_reset_bits = 0x00023020,
    .xspi_select_mask = 0x00000030,
    .xspim_base = 0x5802B400,
    .gpio_base = 0x56023400,
    .gpio_rcc_bit = 0x00002000,
    .moder_mask = 0x00FF3FFF,
    .moder_value = 0x00AA2AAA,
    .ospeedr_mask = 0x00FF3FFF,
    .ospeedr_value = 0x00FF3FFF,
    .pupdr_mask = 0x00FF3FFF,
    .pupdr_value = 0x00000004,
    .afrl_mask = 0x0FFFFFFF,
    .afrl_value = 0x09999999,
    .afrh_mask = 0x0000FFFF,
    .afrh_value = 0x00009999,
    .svmcr3_set = 0x00000200,
    .dcr1 = 0x01000100,
};

static uint32_t open_steps(const BoardSetup *board, Identity *out)
{
    uint32_t status = nor_check(&loader.nor);
    if (!status)
        status = board_check(board);
    if (status)
        return status;
    core_quiet();
    status = timer_start();
    if (!status)
        status = board_start(board);
    if (!status)
        status = nor_recover(out);
    if (!status)
        status = nor_read_sfdp(out);
    return status;
}

uint32_t loader_open(const NorSetup *nor, const BoardSetup *board, Identity *out)
{
    clear(out, sizeof *out);
    clear(&loader, sizeof loader);
    copy(&loader.nor, nor, sizeof *nor);
    uint32_t status = open_steps(board, out);
    loader.is_open = !status;
    out->sr = loader.sr;
    out->scur = loader.scur;
    out->status = status;
    return status;
}

static uint32_t need_open(void)
{
    return loader.is_open ? timer_start() : NOT_OPEN;
}

/* The part must hold all of [offset, offset + size), and both must be multiples of `unit` (a power of two). */
uint32_t range_check(uint32_t offset, uint32_t size, uint32_t unit)
{
    int inside = size && offset < loader.size && size <= loader.size - offset && !((offset | size) & (unit - 1));
    return inside ? OK : BAD_ARGUMENT;
}

static uint32_t need_range(uint32_t offset, uint32_t size, uint32_t unit)
{
    uint32_t status = need_open();
    return status ? status : range_check(offset, size, unit);
}

uint32_t loader_survey(uint32_t offset, uint32_t sectors, uint64_t *digests)
{
    /* Counted in sectors, so that the size in bytes cannot wrap around. */
    uint32_t status = sectors <= 0xFFFFFu ? need_range(offset, sectors * SECTOR_SIZE, SECTOR_SIZE) : BAD_ARGUMENT;
    return status ? status : block_survey(offset, sectors, digests);
}

uint32_t loader_write_block(const Job *job, Result *out)
{
    uint32_t status = need_open();
    if (status) {
        clear(out, sizeof *out);
        out->failed_at = NO_OFFSET;
        out->status = status;
        return status;
    }
    Chunks chunks;
    return block_write(job, &chunks, 0, out);
}

uint32_t loader_erase(uint32_t offset, uint32_t size)
{
    uint32_t status = need_range(offset, size, SECTOR_SIZE);
    while (!status && size) {
        uint32_t step;
        status = block_erase(offset, size, &step);
        offset += step;
        size -= step;
    }
    return status;
}

uint32_t loader_read(uint32_t offset, uint32_t size, void *to)
{
    uint32_t status = need_range(offset, size, 1);
    return status ? status : nor_read(offset, to, size);
}

uint32_t loader_unprotect(void)
{
    uint32_t status = need_open();
    return status ? status : nor_unprotect();
}

/* Closing what is not open is no fault: a host that lost the thread may always call it. */
uint32_t loader_close(void)
{
    if (!loader.is_open)
        return OK;
    loader.is_open = 0;
    return nor_map();
}

uint32_t loader_serve(const Service *setup)
{
    uint32_t status = need_open();
    return status ? status : service_run(setup);
}

uint32_t loader_decide(const void *old_block, const void *new_block, const NorSetup *nor, Decision *out)
{
    Chunks chunks;
    rule_decide(&chunks, chunks_scan(old_block, new_block, &chunks), nor, out);
    return OK;
}

/* CMSIS flash algorithm. pyOCD calls Init again for each kind of operation, so it may come twice without UnInit. */

uint32_t cmsis_init(uint32_t address, uint32_t clock, uint32_t function)
{
    Identity found;
    (void)clock;
    (void)function;
    return address - NOR_BASE < 0x10000000u ? loader_open(&USUAL_NOR, &ST_BOARDS, &found) : BAD_ARGUMENT;
}

uint32_t cmsis_uninit(uint32_t function)
{
    (void)function;
    return loader_close();
}

uint32_t cmsis_erase_chip(void)
{
    uint32_t status = need_open();
    return status ? status : nor_erase_chip();
}

uint32_t cmsis_erase_sector(uint32_t address)
{
    return loader_erase((address - NOR_BASE) & ~(SECTOR_SIZE - 1), SECTOR_SIZE);
}

static int is_blank(const uint8_t *bytes, uint32_t size)
{
    while (size && *bytes == 0xFF) {
        bytes++;
        size--;
    }
    return !size;
}

uint32_t cmsis_program_page(uint32_t address, uint32_t size, const uint8_t *buffer)
{
    uint32_t offset = address - NOR_BASE;
    uint32_t status = need_range(offset, size, 1);
    if (!status)
        status = nor_write_enable(); /* nobody proves here what was programmed */
    while (!status && size) {
        uint32_t room = PAGE_SIZE - offset % PAGE_SIZE;
        uint32_t step = size < room ? size : room;
        if (!is_blank(buffer, step))
            status = nor_program(offset, buffer, step);
        offset += step;
        buffer += step;
        size -= step;
    }
    return status;
}

uint32_t cmsis_verify(uint32_t address, uint32_t size, const uint8_t *buffer)
{
    uint8_t read[PAGE_SIZE];
    uint32_t end = address + size;
    uint32_t status = need_range(address - NOR_BASE, size, 1);
    while (!status && address != end) {
        uint32_t step = end - address < sizeof read ? end - address : sizeof read;
        status = nor_read(address - NOR_BASE, read, step);
        uint32_t same = first_difference(read, buffer, step);
        if (status || same != step)
            return address + same;
        address += step;
        buffer += step;
    }
    return address;
}

uint32_t cmsis_blank_check(uint32_t address, uint32_t size, uint32_t pattern)
{
    uint8_t read[PAGE_SIZE];
    uint32_t offset = address - NOR_BASE;
    uint32_t status = need_range(offset, size, 1);
    while (!status && size) {
        uint32_t step = size < sizeof read ? size : sizeof read;
        status = nor_read(offset, read, step);
        for (uint32_t i = 0; !status && i < step; i++)
            status = read[i] != (pattern & 0xFFu);
        offset += step;
        size -= step;
    }
    return status ? 1 : 0;
}
