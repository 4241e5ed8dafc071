"""The CIFAR-C corruptions, one file per family."""
