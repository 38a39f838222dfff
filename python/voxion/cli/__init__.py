"""The command line: parsing of options, printing, progress."""
