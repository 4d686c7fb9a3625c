/*
 * void fill_page(const void *from, volatile uint32_t *dr): PAGE_SIZE bytes into a FIFO, word by word, and nothing else in between. A page
 * of the NOR takes longer to arrive than to program its first byte, so each instruction counts. The first word starts the transfer.
 */
    .syntax unified
    .thumb

    .section .text.fill_page, "ax", %progbits
    .global fill_page
    .type fill_page, %function
    .thumb_func
fill_page:
    push    {r4-r10, lr}
    ldr     r3, [r0], #4
    str     r3, [r1]
    ldm     r0!, {r3, r4, r5, r6, r7, r8, r9}
    str     r3, [r1]
    str     r4, [r1]
    str     r5, [r1]
    str     r6, [r1]
    str     r7, [r1]
    str     r8, [r1]
    str     r9, [r1]
    .rept 7
    ldm     r0!, {r2, r3, r4, r5, r6, r7, r8, r9}
    str     r2, [r1]
    str     r3, [r1]
    str     r4, [r1]
    str     r5, [r1]
    str     r6, [r1]
    str     r7, [r1]
    str     r8, [r1]
    str     r9, [r1]
    .endr
    pop     {r4-r10, pc}
