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
    entry Init,           cmsis_init
    entry UnInit,         cmsis_uninit
    entry EraseChip,      cmsis_erase_chip
    entry EraseSector,    cmsis_erase_sector
    entry ProgramPage,    cmsis_program_page
    entry Verify,         cmsis_verify
    entry BlankCheck,     cmsis_blank_check
