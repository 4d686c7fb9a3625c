/* One 64 KiB block: from what is there to what is wanted, by the rule, and proof of it from the NOR. */
#include "loader.h"

#pragma GCC optimize("O2") /* what stands between two pages */

static uint8_t *const KEEP = (uint8_t *)(uintptr_t)LOADER_KEEP;
static uint32_t *const BLANK_MAP = (uint32_t *)(uintptr_t)SERVICE_BLANK_MAP;

#define BLANK_MAP_SIZE 0x2000u /* bits for the sectors of 256 MiB, which is what the window holds */

/* ---- what is known to be blank: only while the service runs, which nobody writes past ---- */

void blank_forget(void)
{
    fill_words(BLANK_MAP, 0, BLANK_MAP_SIZE);
}

static int is_mapped(uint32_t offset)
{
    return loader.serving && offset / SECTOR_SIZE / 8 < BLANK_MAP_SIZE;
}

static int is_known_blank(uint32_t offset)
{
    uint32_t sector = offset / SECTOR_SIZE;
    return is_mapped(offset) && (BLANK_MAP[sector / 32] >> sector % 32 & 1u);
}

static void note_blank(uint32_t offset, int blank)
{
    uint32_t sector = offset / SECTOR_SIZE;
    if (!is_mapped(offset) || is_known_blank(offset) == blank)
        return;
    if (blank)
        BLANK_MAP[sector / 32] |= 1u << sector % 32;
    else
        BLANK_MAP[sector / 32] &= ~(1u << sector % 32);
}

/* ---- proof ---- */

/*
 * A sector is read back once its last page is programmed, and judged while the NOR programs the next one: digests come from what the
 * NOR returns, never from the buffer; neighbours that must have survived are compared too. That a later program reached into an
 * earlier sector is what the host looks for by the address lines.
 */
typedef struct {
    const Job *job;
    Result *out;
    uint32_t read;   /* sectors read back */
    uint32_t judged; /* and judged */
    uint32_t verdict;
    uint32_t compared; /* bytes of the sector that is being judged */
    DigestState digest;
} Proof;

static Proof proof;

#define COMPARE_STEP 1024u

static void judge(uint32_t same)
{
    if (same == COMPARE_STEP || proof.verdict)
        return;
    proof.verdict = MISMATCH;
    loader.failed_at = proof.job->offset + proof.judged * SECTOR_SIZE + proof.compared + same;
}

/* A quarter of a sector. 0: nothing to do. */
static int prove_step(void)
{
    if (proof.judged == proof.read)
        return 0;
    uint32_t at = proof.judged * SECTOR_SIZE;
    if (!proof.compared)
        digest_begin(&proof.digest, KEEP + at);
    judge(first_difference(KEEP + at + proof.compared, (const uint8_t *)(uintptr_t)proof.job->data + at + proof.compared, COMPARE_STEP));
    proof.compared += COMPARE_STEP;
    if (digest_step(&proof.digest)) {
        proof.out->digests[proof.judged++] = digest_value(&proof.digest);
        proof.compared = 0;
    }
    return 1;
}

static uint32_t read_back(uint32_t n)
{
    uint32_t offset = proof.job->offset + n * SECTOR_SIZE;
    service_note(PHASE_PROVE, offset);
    uint32_t status = nor_read(offset, KEEP + n * SECTOR_SIZE, SECTOR_SIZE);
    if (status)
        loader.failed_at = offset;
    else
        proof.read = n + 1;
    return status;
}

/* Work that needs no NOR, at most some 50 us of it, while the NOR is busy. 0: there is none. */
int background(void)
{
    return proof.judged != proof.read ? prove_step() : service_background();
}

/* ---- the rule ---- */

static uint32_t job_check(const Job *job)
{
    int range = !(job->offset % BLOCK_SIZE) && job->offset < loader.size && job->sectors && job->sectors <= 0xFFFFu;
    int data = !(job->data % 8) && (job->data + BLOCK_SIZE <= LOADER_KEEP || job->data >= LOADER_KEEP + BLOCK_SIZE);
    return range && data && !(job->flags & ~JOB_ERASE_ALL_SET) ? OK : BAD_ARGUMENT;
}

#define READ_STEP 1024u

/* What a sector holds against what it is to hold; what stands behind the first chunk that forces its erase cannot matter. */
static uint32_t scan_set_sector(const Job *job, uint32_t n, Chunks *chunks, uint32_t *must_erase)
{
    uint32_t offset = job->offset + n * SECTOR_SIZE;
    const uint8_t *data = (const uint8_t *)(uintptr_t)job->data + n * SECTOR_SIZE;
    uint16_t *old_blank = chunks->old_blank + n * PAGES_PER_SECTOR;
    for (uint32_t at = 0; at < SECTOR_SIZE; at += READ_STEP) {
        uint32_t status = nor_read(offset + at, KEEP + n * SECTOR_SIZE + at, READ_STEP);
        if (status)
            return status;
        for (uint32_t page = at; page < at + READ_STEP; page += PAGE_SIZE)
            if (chunks_compare(KEEP + n * SECTOR_SIZE + page, data + page, &old_blank[page / PAGE_SIZE])) {
                *must_erase |= 1u << n;
                return OK;
            }
    }
    return OK;
}

/* A sector that is to keep what it holds: no erase goes over it unless it is blank. Into the data, for the proof that it did. */
static uint32_t keep_sector(const Job *job, uint32_t n, Chunks *chunks)
{
    uint32_t offset = job->offset + n * SECTOR_SIZE;
    uint8_t *data = (uint8_t *)(uintptr_t)job->data + n * SECTOR_SIZE;
    uint32_t status = OK;
    if (is_known_blank(offset))
        fill_words(data, ~0u, SECTOR_SIZE);
    else
        status = nor_read(offset, data, SECTOR_SIZE);
    chunks_blank(data, chunks->new_blank + n * PAGES_PER_SECTOR);
    copy(chunks->old_blank + n * PAGES_PER_SECTOR, chunks->new_blank + n * PAGES_PER_SECTOR, PAGES_PER_SECTOR * sizeof(uint16_t));
    return status;
}

static uint32_t scan(const Job *job, Chunks *chunks, uint32_t scanned, uint32_t *must_erase)
{
    *must_erase = 0;
    for (uint32_t n = 0; n < SECTORS_PER_BLOCK; n++) {
        uint32_t offset = job->offset + n * SECTOR_SIZE;
        uint32_t status = OK;
        if (job->sectors & ~scanned & 1u << n)
            chunks_blank((const uint8_t *)(uintptr_t)job->data + n * SECTOR_SIZE, chunks->new_blank + n * PAGES_PER_SECTOR);
        if (!(job->sectors >> n & 1u))
            status = keep_sector(job, n, chunks);
        else if (job->flags & JOB_ERASE_ALL_SET)
            *must_erase |= 1u << n;
        else if (is_known_blank(offset))
            fill_words(chunks->old_blank + n * PAGES_PER_SECTOR, ~0u, PAGES_PER_SECTOR * sizeof(uint16_t));
        else
            status = scan_set_sector(job, n, chunks, must_erase);
        if (status) {
            loader.failed_at = offset;
            return status;
        }
    }
    return OK;
}

/* ---- the work ---- */

static uint32_t erase(const Job *job, const Decision *decision, Result *out)
{
    uint32_t status = OK;
    for (uint32_t n = 0, step; !status && n < SECTORS_PER_BLOCK; n += step / SECTOR_SIZE) {
        step = SECTOR_SIZE;
        if (!decision->erase_block && !(decision->erase_sectors >> n & 1u))
            continue;
        status = block_erase(job->offset + n * SECTOR_SIZE, decision->erase_block ? BLOCK_SIZE : SECTOR_SIZE, &step);
        if (status)
            break;
        out->erased_bytes += step;
        if (step == BLOCK_SIZE)
            out->block_erases++;
        else
            out->sector_erases++;
    }
    return status;
}

static uint32_t program_page(const Job *job, uint32_t page, uint32_t blank, uint32_t todo, Result *out)
{
    const uint8_t *data = (const uint8_t *)(uintptr_t)job->data;
    uint32_t length;
    if (todo == ALL_CHUNKS) { /* the usual case: one run, and nothing to look for */
        service_note(PHASE_PROGRAM, job->offset + page * PAGE_SIZE);
        uint32_t status = nor_program(job->offset + page * PAGE_SIZE, data + page * PAGE_SIZE, PAGE_SIZE);
        if (!status) {
            out->page_programs++;
            out->programmed_bytes += PAGE_SIZE;
        }
        return status;
    }
    while (todo) {
        uint32_t at = page * PAGE_SIZE + next_run(&todo, blank, &length) * CHUNK_SIZE;
        service_note(PHASE_PROGRAM, job->offset + at);
        uint32_t status = nor_program(job->offset + at, data + at, length * CHUNK_SIZE);
        if (status)
            return status;
        out->page_programs++;
        out->programmed_bytes += length * CHUNK_SIZE;
    }
    return OK;
}

static uint32_t program_sector(const Job *job, uint32_t n, const Chunks *chunks, const Decision *decision, Result *out)
{
    uint32_t page = n * PAGES_PER_SECTOR, end = page + PAGES_PER_SECTOR, status = OK;
    for (int noted = 0; !status && page < end; page++) {
        uint32_t blank = blank_when_programmed(chunks, decision, page);
        uint32_t todo = blank & ~(uint32_t)chunks->new_blank[page];
        if (!todo)
            continue;
        if (!noted)
            note_blank(job->offset + n * SECTOR_SIZE, 0);
        noted = 1;
        status = program_page(job, page, blank, todo, out);
    }
    return status;
}

/* Every sector in turn: program what is to be programmed, read it back. */
static uint32_t program_and_prove(const Job *job, const Chunks *chunks, const Decision *decision, Result *out)
{
    for (uint32_t n = 0; n < SECTORS_PER_BLOCK; n++) {
        uint32_t status = program_sector(job, n, chunks, decision, out);
        if (!status)
            status = read_back(n);
        if (status)
            return status;
    }
    while (prove_step()) {
    }
    return proof.verdict;
}

/* A program without WEL does nothing and no flag tells; here it is told apart from cells that failed. */
static uint32_t why_wrong(void)
{
    uint32_t status = nor_write_enable();
    uint32_t disabled = nor_write_disable();
    return status ? status : disabled ? disabled : MISMATCH;
}

static uint32_t write(const Job *job, Chunks *chunks, uint32_t scanned, Result *out)
{
    Decision decision;
    uint32_t must_erase;
    uint32_t status = scan(job, chunks, scanned, &must_erase);
    if (status)
        return status;
    rule_decide(chunks, must_erase, &loader.nor, &decision);

    status = erase(job, &decision, out);
    if (!status && decision.programs) {
        status = nor_write_enable(); /* asked once; later the proof tells */
        if (status)
            loader.failed_at = job->offset;
    }
    if (!status)
        status = program_and_prove(job, chunks, &decision, out);
    return status == MISMATCH ? why_wrong() : status;
}

uint32_t block_write(const Job *job, Chunks *chunks, uint32_t scanned, Result *out)
{
    clear(out, sizeof *out);
    loader.failed_at = NO_OFFSET;
    proof = (Proof){.job = job, .out = out};
    uint32_t status = job_check(job);
    if (!status)
        status = write(job, chunks, scanned, out);
    proof.read = proof.judged = 0; /* nothing left for the background, whatever happened */
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
    uint32_t status = whole ? nor_erase_block(offset) : nor_erase_sector(offset);
    for (uint32_t at = 0; at < *done; at += SECTOR_SIZE)
        note_blank(offset + at, !status);
    return status;
}

uint32_t block_survey(uint32_t offset, uint32_t sectors, uint64_t *digests)
{
    uint32_t status = OK;
    for (; !status && sectors; sectors--, offset += SECTOR_SIZE) {
        status = nor_read(offset, KEEP, SECTOR_SIZE);
        *digests = digest(KEEP);
        note_blank(offset, !status && *digests == BLANK_DIGEST);
        digests++;
    }
    return status;
}
