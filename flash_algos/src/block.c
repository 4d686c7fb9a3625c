/* One 64 KiB block: from what is there to what is wanted, by the rule, and proof of it from the NOR. */
#include "loader.h"

static uint8_t *const KEEP = (uint8_t *)(uintptr_t)LOADER_KEEP;

static uint32_t job_check(const Job *job)
{
    int range = !(job->offset % BLOCK_SIZE) && job->offset < loader.size && job->sectors && job->sectors <= 0xFFFFu;
    int data = !(job->data % 8) && (job->data + BLOCK_SIZE <= LOADER_KEEP || job->data >= LOADER_KEEP + BLOCK_SIZE);
    return range && data && !(job->flags & ~JOB_ERASE_ALL_SET) ? OK : BAD_ARGUMENT;
}

static uint32_t erase(const Job *job, const Decision *decision, Result *out)
{
    uint32_t status = OK;
    if (decision->erase_block) {
        service_note(PHASE_ERASE, job->offset);
        status = nor_erase_block(job->offset);
        if (!status) {
            out->block_erases = 1;
            out->erased_bytes = BLOCK_SIZE;
        }
        return status;
    }
    for (uint32_t n = 0; !status && n < SECTORS_PER_BLOCK; n++) {
        if (!(decision->erase_sectors >> n & 1u))
            continue;
        service_note(PHASE_ERASE, job->offset + n * SECTOR_SIZE);
        status = nor_erase_sector(job->offset + n * SECTOR_SIZE);
        if (!status) {
            out->sector_erases++;
            out->erased_bytes += SECTOR_SIZE;
        }
    }
    return status;
}

static uint32_t program(const Job *job, const Chunks *chunks, const Decision *decision, Result *out)
{
    const uint8_t *data = (const uint8_t *)(uintptr_t)job->data;
    uint32_t usable = nor_write_enable(); /* asked once; later the proof tells */
    if (usable) {
        loader.failed_at = job->offset;
        return usable;
    }
    for (uint32_t page = 0; page < PAGES_PER_BLOCK; page++) {
        uint32_t blank = blank_when_programmed(chunks, decision, page);
        uint32_t length;
        for (uint32_t todo = blank & ~(uint32_t)chunks->new_blank[page]; todo;) {
            uint32_t at = page * PAGE_SIZE + next_run(&todo, blank, &length) * CHUNK_SIZE;
            service_note(PHASE_PROGRAM, job->offset + at);
            uint32_t status = nor_program(job->offset + at, data + at, length * CHUNK_SIZE);
            if (status)
                return status;
            out->page_programs++;
            out->programmed_bytes += length * CHUNK_SIZE;
        }
    }
    return OK;
}

/* Digests come from what the NOR returns now, never from the buffer; neighbours that must have survived are compared too. */
static uint32_t prove(const Job *job, Result *out)
{
    uint32_t verdict = OK;
    for (uint32_t n = 0; n < SECTORS_PER_BLOCK; n++) {
        uint32_t offset = job->offset + n * SECTOR_SIZE;
        service_note(PHASE_PROVE, offset);
        uint32_t status = nor_read(offset, KEEP, SECTOR_SIZE);
        if (status) {
            loader.failed_at = offset;
            return status;
        }
        out->digests[n] = digest(KEEP);
        uint32_t same = first_difference(KEEP, (const uint8_t *)(uintptr_t)job->data + n * SECTOR_SIZE, SECTOR_SIZE);
        if (same != SECTOR_SIZE && !verdict) {
            verdict = MISMATCH;
            loader.failed_at = offset + same;
        }
    }
    return verdict;
}

/* A program without WEL does nothing and no flag tells; here it is told apart from cells that failed. */
static uint32_t why_wrong(void)
{
    uint32_t status = nor_write_enable();
    uint32_t disabled = nor_write_disable();
    return status ? status : disabled ? disabled : MISMATCH;
}

static uint32_t write(const Job *job, Result *out)
{
    Chunks chunks;
    Decision decision;
    uint32_t status = nor_read(job->offset, KEEP, BLOCK_SIZE);
    if (status) {
        loader.failed_at = job->offset;
        return status;
    }
    for (uint32_t n = 0; n < SECTORS_PER_BLOCK; n++)
        if (!(job->sectors >> n & 1u))
            copy((uint8_t *)(uintptr_t)job->data + n * SECTOR_SIZE, KEEP + n * SECTOR_SIZE, SECTOR_SIZE);

    uint32_t must_erase = chunks_scan(KEEP, (const void *)(uintptr_t)job->data, &chunks);
    if (job->flags & JOB_ERASE_ALL_SET)
        must_erase |= job->sectors;
    rule_decide(&chunks, must_erase, &loader.nor, &decision);

    status = erase(job, &decision, out);
    if (!status && decision.programs)
        status = program(job, &chunks, &decision, out);
    if (!status)
        status = prove(job, out);
    return status == MISMATCH ? why_wrong() : status;
}

uint32_t block_write(const Job *job, Result *out)
{
    clear(out, sizeof *out);
    loader.failed_at = NO_OFFSET;
    uint32_t status = job_check(job);
    if (!status)
        status = write(job, out);
    out->status = status;
    out->sr = loader.sr;
    out->scur = loader.scur;
    out->failed_at = loader.failed_at;
    return status;
}

uint32_t block_erase(uint32_t offset, uint32_t size, uint32_t *done)
{
    int whole = loader.nor.block_erase_opcode && !(offset % BLOCK_SIZE) && size >= BLOCK_SIZE;
    service_note(PHASE_ERASE, offset);
    *done = whole ? BLOCK_SIZE : SECTOR_SIZE;
    return whole ? nor_erase_block(offset) : nor_erase_sector(offset);
}

uint32_t block_survey(uint32_t offset, uint32_t sectors, uint64_t *digests)
{
    uint32_t status = OK;
    for (; !status && sectors; sectors--, offset += SECTOR_SIZE) {
        status = nor_read(offset, KEEP, SECTOR_SIZE);
        *digests++ = digest(KEEP);
    }
    return status;
}
