"""The NOR flash as a command-level device.

device is the door: frames in, samples out. commands is the table of opcodes, parts what the two parts are. What a frame
does is in control (at once) and operations (takes time); what a read drives in reads, with timing, preamble and ecc.
array holds the cells, protection the locks, registers the rest; wire turns frames into edges; state is the journal.
"""
