/* First word of the image, and the veneers through which every entry is called. */

    .syntax unified
    .thumb

/* BKPT #0 at the return address, then a branch to itself: pyOCD and our own link let an entry return to LOADER_BASE. */
    .section .header, "a", %progbits
    .word 0xE7FDBE00

/*
 * A debugger may start us on top of anything. In development boot the ROM leaves MSPLIM_S above our stack, and the first
 * push would fault (hw-soc 1.7); an interrupt of a halted program would run its handler on our stack. So the limits go and
 * interrupts are masked before anything is pushed. r12 is free at a call by the AAPCS, and core and debugger are in Secure
 * state, so MSPLIM names MSPLIM_S.
 */
    .macro entry name, body
    .section .text.veneers, "ax", %progbits
    .global \name
    .type \name, %function
    .thumb_func
\name:
    mov     r12, #0
    msr     msplim, r12
    msr     psplim, r12
    cpsid   i
    b.w     \body
    .endm

    entry n6_open,        loader_open
    entry n6_survey,      loader_survey
    entry n6_write_block, loader_write_block
    entry n6_erase,       loader_erase
    entry n6_read,        loader_read
    entry n6_close,       loader_close
    entry n6_serve,       loader_serve
    entry n6_decide,      loader_decide
    entry n6_unprotect,   loader_unprotect
    entry n6_check,       loader_check
    entry Init,           cmsis_init
    entry UnInit,         cmsis_uninit
    entry EraseChip,      cmsis_erase_chip
    entry EraseSector,    cmsis_erase_sector
    entry ProgramPage,    cmsis_program_page
    entry Verify,         cmsis_verify
    entry BlankCheck,     cmsis_blank_check

/*
 * uint32_t loader_check(const uint32_t *words, uint32_t size): what the host compares with its own reckoning before it calls anything
 * else, so it stands right behind the veneers, in the bytes that the host reads back, and touches nothing but registers. Each word is
 * XORed into the value turned left by 5 and multiplied by an odd constant: a change of any one word changes the result.
 */
    .section .text.check, "ax", %progbits
    .type loader_check, %function
    .thumb_func
loader_check:
    movs    r2, #0
    movw    r3, #0x79B1
    movt    r3, #0x9E37
    add     r1, r0
    b       2f
1:  ldr     r12, [r0], #4
    eor     r2, r12, r2, ror #27
    mul     r2, r2, r3
2:  cmp     r0, r1
    blo     1b
    mov     r0, r2
    bx      lr
