"""What is asked of the machine: whole-or-nothing writes, room on the disk, hashes, paths, cores, reading ahead."""
