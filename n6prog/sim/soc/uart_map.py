"""The USART register map: offsets and bits (CMSIS header `USART_TypeDef`, `USART_CR1_*` .. `USART_PRESC_*`)."""

from __future__ import annotations

CR1, CR2, CR3, BRR, RQR, ISR, ICR, RDR, TDR, PRESC = 0x00, 0x04, 0x08, 0x0C, 0x18, 0x1C, 0x20, 0x24, 0x28, 0x2C

# CR1
UE, RE, TE, IDLEIE, RXNEIE, TCIE, TXEIE = (1 << bit for bit in (0, 2, 3, 4, 5, 6, 7))
PCE, M0, OVER8, M1, FIFOEN, TXFEIE, RXFFIE = (1 << bit for bit in (10, 12, 15, 28, 29, 30, 31))
# CR3
EIE, OVRDIS, TXFTIE, RXFTIE = (1 << bit for bit in (0, 12, 23, 28))
# RQR
RXFRQ, TXFRQ = 1 << 3, 1 << 4
# ISR; TXE is TXFNF and RXNE is RXFNE while the FIFOs are on
ORE, IDLE, RXNE, TC, TXE, BUSY, TEACK, REACK = (1 << bit for bit in (3, 4, 5, 6, 7, 16, 21, 22))
TXFE, RXFF, RXFT, TXFT = (1 << bit for bit in (23, 24, 26, 27))
# ICR
ORECF, IDLECF, TCCF = 1 << 3, 1 << 4, 1 << 6

FIFO = 8  # entries of each FIFO (HAL: TX_FIFO_DEPTH, RX_FIFO_DEPTH)
PRESCALERS = (1, 2, 4, 6, 8, 10, 12, 16, 32, 64, 128, 256)  # PRESC[3:0]
STOP_HALVES = (2, 1, 4, 3)  # CR2.STOP: half bits
THRESHOLDS = (1, 2, 4, 6, 7, 8)  # RXFTCFG, TXFTCFG: entries of eight

# registers that take a write only while the UART is off (HAL disables it first), and CR1's bits of that kind
SET_UP = frozenset((BRR, PRESC))
SET_UP_CR1 = FIFOEN | M1 | OVER8 | M0 | PCE
