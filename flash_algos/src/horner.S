/*
 * The loop of digest.c: by hand, because every byte of the NOR comes by here and the compiler needs twice as many instructions.
 *
 * void digest_part(const void *end, uint32_t number[3]): 1 KiB below `end`, which is a multiple of 1 KiB. `number` is what is above
 * it, low word first, and then the number with this below it, reduced to below 2^96.
 *
 * Sixteen bytes a step, w0 and w1: h * 2^128 + w1 * 2^64 + w0 is congruent to h * F^2 + w1 * F + w0, with F = 40503. Of h = top:high:low
 * the words are multiplied apart, and top * 2^64 * F^2 is congruent to top * F^3. F^2 is 0.38 * 2^32, so top stays below 2^31; F^3 is
 * 0x3C6E:0x67F783E7, and no sum of products reaches 2^64.
 */
    .syntax unified
    .thumb

    FOLD     = 40503
    FOLD2    = 1640493009
    FOLD3_LO = 0x67F783E7
    FOLD3_HI = 0x3C6E

/* r0 end, r1 F, r2 F^2, r3 and r4 F^3, r5 and r6 what each word is XORed with, r12 scratch; the rest are the arguments */
    .macro step at, low, high, top, new_low, new_high, new_top
    ldrd    \new_low, \new_high, [r0, #(\at)]
    ldr     \new_top, [r0, #(\at + 8)]
    eor     \new_low, r5
    eor     \new_high, r6
    eor     \new_top, r5
    mov     r12, #0
    umlal   \new_low, r12, \new_top, r1
    umlal   \new_low, r12, \low, r2
    umlal   \new_low, r12, \top, r3
    ldr     \low, [r0, #(\at + 12)]
    eor     \low, r6
    mov     \new_top, #0
    umlal   \new_high, \new_top, \low, r1
    umlal   \new_high, \new_top, \high, r2
    umlal   \new_high, \new_top, \top, r4
    adds    \new_high, r12
    adc     \new_top, #0
    .endm

    .section .text.digest_part, "ax", %progbits
    .global digest_part
    .type digest_part, %function
    .thumb_func
digest_part:
    push    {r1, r4-r11, lr}
    ldm     r1, {r7, r8, r9}
    movw    r1, #FOLD
    movw    r2, #(FOLD2 & 0xFFFF)
    movt    r2, #(FOLD2 >> 16)
    movw    r3, #(FOLD3_LO & 0xFFFF)
    movt    r3, #(FOLD3_LO >> 16)
    movw    r4, #FOLD3_HI
    movw    r5, #0x7C15
    movt    r5, #0x7F4A
    movw    r6, #0x79B9
    movt    r6, #0x9E37
1:
    step    -16, r7, r8, r9, r10, r11, lr
    step    -32, r10, r11, lr, r7, r8, r9
    step    -48, r7, r8, r9, r10, r11, lr
    step    -64, r10, r11, lr, r7, r8, r9
    step    -80, r7, r8, r9, r10, r11, lr
    step    -96, r10, r11, lr, r7, r8, r9
    step    -112, r7, r8, r9, r10, r11, lr
    step    -128, r10, r11, lr, r7, r8, r9
    sub     r0, #128
    lsls    r12, r0, #22
    bne     1b
    pop     {r1}
    stm     r1, {r7, r8, r9}
    pop     {r4-r11, pc}
