"""The science of one trial on one device: networks, pruning, training, judging."""
