"""Fuzzing of everything that voxion reads: damaged files are refused in one line, never worse."""
