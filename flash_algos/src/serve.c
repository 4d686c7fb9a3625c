/*
 * The resident service: the host writes jobs into slots of RAM while this runs, and reads what became of them.
 *
 * A job is one ascending write, [payload][descriptor], and the last word of the descriptor is its number: the doorbell. It needs no
 * drain of its own before it: it is the end of the same stream, through one port into one memory, the probe checks the status of
 * each part of it, and nothing is believed before it was checked: the descriptor by its check word, the payload by its digests.
 */
#include "inflate.h"
#include "loader.h"

static volatile State *const STATE = (volatile State *)(uintptr_t)SERVICE_STATE;
static volatile Control *const CONTROL = (volatile Control *)(uintptr_t)SERVICE_CONTROL;
static volatile Outcome *const OUTCOMES = (volatile Outcome *)(uintptr_t)SERVICE_RESULTS;

#define SLOT_END(n) (SERVICE_SLOTS + ((n) - 1) % SLOT_COUNT * SLOT_STRIDE + SLOT_STRIDE)
#define DESCRIPTOR(n) ((const volatile Descriptor *)(uintptr_t)(SLOT_END(n) - sizeof(Descriptor)))
#define LOADER_BUFFER_END (LOADER_BUFFER + BLOCK_SIZE)
#define LOADER_TABLE_END (LOADER_TABLE + BLOCK_SIZE)
#define SERVICE_SLOTS_END (SERVICE_SLOTS + SLOT_COUNT * SLOT_STRIDE)

_Static_assert(SLOT_STRIDE >= BLOCK_SIZE + sizeof(Descriptor), "a block and its descriptor fit a slot");
_Static_assert(sizeof(State) <= 64, "the host reads State at once");
_Static_assert(SERVICE_RESULTS + RESULT_COUNT * sizeof(Outcome) <= SERVICE_BLANK_MAP, "the ring fits");

static void barrier(void)
{
    __asm volatile("dmb" ::: "memory");
}

int service_stopping(void)
{
    return loader.serving && CONTROL->stop;
}

static int is_inside(uint32_t at, uint32_t size, uint32_t start, uint32_t end)
{
    return at >= start && at <= end && size <= end - at;
}

/* Where the host may have something put: nothing of the loader's own. */
static int is_hosts(uint32_t at, uint32_t size)
{
    return !(at % 8) && (is_inside(at, size, LOADER_BUFFER, LOADER_BUFFER_END) || is_inside(at, size, LOADER_TABLE, LOADER_TABLE_END) ||
                         is_inside(at, size, SERVICE_SLOTS, SERVICE_SLOTS_END));
}

static uint32_t count_sectors(uint32_t bitmap)
{
    uint32_t count = 0;
    for (; bitmap; bitmap &= bitmap - 1)
        count++;
    return count;
}

/* ---- getting a job ready: all that needs no NOR, in small steps, while the NOR is busy with the job before ---- */

typedef enum { AWAITED, INFLATING, UNPACKING, CHECKING, READY } Stage;

typedef struct {
    uint32_t n; /* number of the job */
    Stage stage;
    uint32_t status;
    uint32_t sector;     /* the next one to be unpacked is below it */
    const uint8_t *from; /* and ends here */
    uint8_t *data;       /* 64 KiB */
    DigestState digest;
    Descriptor job;
    Chunks chunks;
    Inflate inflate;
} Pending;

static Pending *const PENDING = (Pending *)(uintptr_t)SERVICE_WORK; /* of the job in work and the next one, by n % 2 */
static Pending *next_job;                                             /* for the background; 0: none yet */

_Static_assert(SERVICE_WORK + 2 * sizeof(Pending) <= SERVICE_DECODE, "two of them fit");

/* Whether a descriptor is what the host wrote: two flipped bits in an offset must not bring right data to a wrong place. */
static int is_whole(const Descriptor *job)
{
    uint32_t h = 0;
    for (const loose_u32 *word = (const loose_u32 *)job; word != (const loose_u32 *)(job + 1); word++)
        if (word != &job->check) {
            h = (h ^ *word) * CHECK_FACTOR;
            h ^= h >> 15;
        }
    return h == job->check;
}

static uint32_t payload_check(const Descriptor *job)
{
    uint32_t status = range_check(job->offset, BLOCK_SIZE, BLOCK_SIZE);
    if (status)
        return status;
    int sectors = job->sectors && job->sectors <= 0xFFFFu;
    int size = job->flags & JOB_DEFLATE ? job->count && job->count <= BLOCK_SIZE
                                        : job->count == count_sectors(job->sectors) * SECTOR_SIZE;
    return sectors && size && !(job->flags & ~(JOB_ERASE_ALL_SET | JOB_DEFLATE)) ? OK : BAD_ARGUMENT;
}

static Pending *await(uint32_t n)
{
    Pending *next = &PENDING[n % 2];
    next->n = n;
    next->stage = AWAITED;
    next->data = (uint8_t *)(uintptr_t)(SERVICE_DECODE + n % 2 * BLOCK_SIZE);
    return next;
}

static void settle(Pending *next, uint32_t status)
{
    next->status = status;
    next->stage = READY;
}

static void accept(Pending *next)
{
    const Descriptor *job = &next->job;
    barrier();
    copy(&next->job, (const void *)(uintptr_t)DESCRIPTOR(next->n), sizeof *job);
    uint32_t status = !is_whole(job) ? BAD_DATA : job->op == OP_WRITE ? payload_check(job) : OK;
    if (status || job->op != OP_WRITE) {
        settle(next, status);
        return;
    }
    uint32_t room = (job->count + PAYLOAD_ALIGN - 1) & ~(PAYLOAD_ALIGN - 1);
    uint32_t size = count_sectors(job->sectors) * SECTOR_SIZE;
    const uint8_t *payload = (const uint8_t *)(uintptr_t)(SLOT_END(next->n) - sizeof *job - room);
    next->sector = SECTORS_PER_BLOCK;
    next->stage = job->flags & JOB_DEFLATE ? INFLATING : UNPACKING;
    next->from = (job->flags & JOB_DEFLATE ? next->data : payload) + size;
    if (job->flags & JOB_DEFLATE)
        inflate_begin(&next->inflate, payload, job->count, next->data, size);
}

/* To the bottom of the place; from there the sectors go up to where they belong. */
static void inflate(Pending *next)
{
    if (!inflate_step(&next->inflate))
        return;
    if (next->inflate.state == INFLATE_DONE && next->inflate.out == next->inflate.out_end)
        next->stage = UNPACKING;
    else
        settle(next, BAD_DATA);
}

/* The last set sector that is not yet in its place; from the last on, so that none is overwritten before it has moved. */
static void unpack(Pending *next)
{
    do
        if (!next->sector--) {
            settle(next, OK);
            return;
        }
    while (!(next->job.sectors >> next->sector & 1u));
    uint8_t *to = next->data + next->sector * SECTOR_SIZE;
    next->from -= SECTOR_SIZE;
    if (next->from != to)
        copy_words(to, next->from, SECTOR_SIZE);
    chunks_blank(to, next->chunks.new_blank + next->sector * PAGES_PER_SECTOR);
    digest_begin(&next->digest, to);
    next->stage = CHECKING;
}

/* Whether it is what the host meant to send. */
static void check(Pending *next)
{
    if (!digest_step(&next->digest))
        return;
    if (digest_value(&next->digest) == next->job.digests[next->sector])
        next->stage = UNPACKING;
    else
        settle(next, BAD_DATA);
}

static inline int is_awaited(const Pending *next)
{
    return next->stage == AWAITED && DESCRIPTOR(next->n)->seq != next->n;
}

/* One step. 0: the job is not there yet, or nothing is left to do. */
static int get_ready(Pending *next)
{
    switch (next->stage) {
    case AWAITED:
        if (DESCRIPTOR(next->n)->seq != next->n)
            return 0;
        accept(next);
        return 1;
    case INFLATING:
        inflate(next);
        return 1;
    case UNPACKING:
        unpack(next);
        return 1;
    case CHECKING:
        check(next);
        return 1;
    default:
        return 0;
    }
}

int service_background(void)
{
    if (!loader.serving)
        return 0;
    STATE->heartbeat++;
    return next_job && !is_awaited(next_job) && get_ready(next_job);
}

/* ---- the jobs ---- */

static uint32_t run_write(Pending *pending, Outcome *out)
{
    Result result;
    const Descriptor *job = &pending->job;
    const Job block = {job->offset, job->sectors, job->flags & JOB_ERASE_ALL_SET, (uint32_t)(uintptr_t)pending->data};
    uint32_t status = block_write(&block, &pending->chunks, 0xFFFF, &result);
    copy(out->digests, result.digests, sizeof out->digests);
    out->erased_bytes = result.erased_bytes;
    out->programmed_bytes = result.programmed_bytes;
    out->sector_erases = result.sector_erases;
    out->block_erases = result.block_erases;
    out->page_programs = result.page_programs;
    STATE->sector_erases += result.sector_erases;
    STATE->block_erases += result.block_erases;
    STATE->page_programs += result.page_programs;
    return status;
}

static uint32_t run_survey(const Descriptor *job, Outcome *out)
{
    uint64_t *digests = (uint64_t *)(uintptr_t)job->to;
    if (job->count > SURVEY_MOST || !is_hosts(job->to, job->count * 8))
        return BAD_ARGUMENT;
    uint32_t status = range_check(job->offset, job->count * SECTOR_SIZE, SECTOR_SIZE);
    while (!status && out->count < job->count) {
        uint32_t offset = job->offset + out->count * SECTOR_SIZE;
        if (service_stopping())
            return SKIPPED;
        service_note(PHASE_SURVEY, offset);
        status = block_survey(offset, 1, digests++);
        out->count += !status;
    }
    return status;
}

static uint32_t run_read(const Descriptor *job, Outcome *out)
{
    if (job->count > BLOCK_SIZE || !is_hosts(job->to, job->count))
        return BAD_ARGUMENT;
    uint32_t status = range_check(job->offset, job->count, 4);
    if (status)
        return status;
    service_note(PHASE_SURVEY, job->offset);
    status = nor_read(job->offset, (void *)(uintptr_t)job->to, job->count);
    if (!status)
        out->count = job->count;
    return status;
}

static uint32_t run_erase(const Descriptor *job, Outcome *out)
{
    uint32_t status = range_check(job->offset, job->count, SECTOR_SIZE);
    while (!status && out->count < job->count) {
        uint32_t step;
        if (service_stopping())
            return SKIPPED;
        status = block_erase(job->offset + out->count, job->count - out->count, &step);
        if (status)
            break;
        out->count += step;
        out->erased_bytes += step;
        if (step == BLOCK_SIZE) {
            out->block_erases++;
            STATE->block_erases++;
        } else {
            out->sector_erases++;
            STATE->sector_erases++;
        }
    }
    return status;
}

static uint32_t run(Pending *pending, Outcome *out)
{
    const Descriptor *job = &pending->job;
    int changes = job->op == OP_WRITE || job->op == OP_ERASE;
    loader.failed_at = NO_OFFSET;
    if (changes && STATE->failed)
        return SKIPPED; /* never go on writing on a sick flash */
    if (pending->status)
        return pending->status;
    switch (job->op) {
    case OP_NOP:
        return OK;
    case OP_WRITE:
        return run_write(pending, out);
    case OP_SURVEY:
        return run_survey(job, out);
    case OP_READ:
        return run_read(job, out);
    case OP_ERASE:
        return run_erase(job, out);
    default:
        return BAD_ARGUMENT;
    }
}

static void publish(uint32_t n, Outcome *out)
{
    Outcome *entry = (Outcome *)(uintptr_t)&OUTCOMES[(n - 1) % RESULT_COUNT];
    out->seq = 0;
    copy(entry, out, sizeof *out);
    barrier();
    ((volatile Outcome *)entry)->seq = n;
    STATE->sr = loader.sr;
    STATE->scur = loader.scur;
    barrier();
    STATE->done = n;
}

static void do_job(Pending *pending)
{
    Outcome out;
    clear(&out, sizeof out);
    STATE->job = pending->n;
    service_note(PHASE_CHECK, pending->job.offset);
    out.status = run(pending, &out);
    out.op = pending->job.op;
    out.offset = pending->job.offset;
    out.failed_at = loader.failed_at;
    out.sr = loader.sr;
    out.scur = loader.scur;
    int harmless = out.status == OK || out.status == BAD_DATA || out.status == SKIPPED;
    if (!harmless && !STATE->failed)
        STATE->failed = pending->n;
    publish(pending->n, &out);
}

/* Old numbers in RAM must not be taken for jobs, or for results. The host sends nothing before it has seen its session here. */
static void prepare(const Service *setup)
{
    CONTROL->stop = 0;
    next_job = 0;
    blank_forget();
    clear((void *)(uintptr_t)SERVICE_STATE, sizeof(State));
    for (uint32_t n = 1; n <= SLOT_COUNT; n++)
        REG32(SLOT_END(n) - 4) = 0;
    for (uint32_t n = 0; n < RESULT_COUNT; n++)
        OUTCOMES[n].seq = 0;
    STATE->build = setup->build;
    STATE->session = setup->session;
}

/* One branch a look: it is what the core does most. */
static void await_doorbell(const volatile Descriptor *job, uint32_t n)
{
    uint32_t over;
    do {
        STATE->heartbeat++;
        xspi_look();
        over = CONTROL->stop | (job->seq == n);
    } while (!over);
}

static void serve(void)
{
    Pending *job = await(1);
    while (!CONTROL->stop) {
        if (job->stage == READY) {
            next_job = await(job->n + 1);
            do_job(job);
            job = next_job;
            next_job = 0;
            STATE->phase = PHASE_IDLE;
        } else if (!get_ready(job)) {
            await_doorbell(DESCRIPTOR(job->n), job->n);
        }
    }
}

uint32_t service_run(const Service *setup)
{
    if (setup->flags & ~SERVE_1S)
        return BAD_ARGUMENT;
    prepare(setup);
    uint32_t status = setup->flags & SERVE_1S ? OK : nor_go_octal();
    STATE->bus_error = status;
    if (!loader.is_open)
        return status;
    STATE->bus = loader.bus.registers_tcr ? BUS_8D : BUS_1S;
    STATE->phase = PHASE_IDLE;
    loader.serving = 1;
    barrier();
    STATE->magic = SERVICE_MAGIC;
    serve();
    loader.serving = 0;
    status = nor_leave_octal();
    if (!status)
        status = nor_map();
    STATE->bus = BUS_1S;
    STATE->phase = PHASE_STOPPED;
    return status;
}
