"""What all benchmarks share: rounds, times of processes, comparison, report and picture."""
