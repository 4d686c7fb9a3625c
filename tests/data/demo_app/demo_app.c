/* A small application as CubeMX links them for execution in place: vectors and code at 0x70100400, .data stored behind
 * the code and run at 0x34000000, a table of constants as weights. It is only ever flashed, never run. */
#include <stdint.h>

extern uint32_t _sidata[], _sdata[], _edata[], _sbss[], _ebss[], _estack[];
int main(void);

volatile uint32_t ticks = 0x600DF00D;
volatile uint8_t state[512] = {1, 2, 3};
uint32_t scratch[4096];
#define ROW(n) (n) * 2654435761u, (n) * 40503u + 7, ~(n) * 69069u, (n) ^ 0xA5A5A5A5u
#define ROWS8(n) ROW(n), ROW(n + 1), ROW(n + 2), ROW(n + 3), ROW(n + 4), ROW(n + 5), ROW(n + 6), ROW(n + 7)
#define ROWS64(n) ROWS8(n), ROWS8(n + 8), ROWS8(n + 16), ROWS8(n + 24), ROWS8(n + 32), ROWS8(n + 40), ROWS8(n + 48), ROWS8(n + 56)
#define ROWS512(n) ROWS64(n), ROWS64(n + 64), ROWS64(n + 128), ROWS64(n + 192), ROWS64(n + 256), ROWS64(n + 320), ROWS64(n + 384), ROWS64(n + 448)
__attribute__((used)) const uint32_t weights[] = {ROWS512(1u), ROWS512(513u), ROWS512(1025u), ROWS512(1537u)};

void Reset_Handler(void)
{
    for (uint32_t *to = _sdata, *from = _sidata; to < _edata;)
        *to++ = *from++;
    for (uint32_t *to = _sbss; to < _ebss;)
        *to++ = 0;
    main();
}

void Default_Handler(void)
{
    for (;;)
        ;
}

__attribute__((section(".isr_vector"), used)) const void *vectors[] = {
    _estack, Reset_Handler, Default_Handler, Default_Handler, Default_Handler, Default_Handler, Default_Handler, Default_Handler,
};

int main(void)
{
    for (uint32_t i = 0;; i++) {
        ticks += weights[i % (sizeof weights / sizeof *weights)] + state[i & 511];
        scratch[i & 4095] = ticks;
    }
}
