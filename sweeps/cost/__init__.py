"""What a study costs: time, disk, memory."""
