"""The documentation site: its reference pages made from the code, its pages gathered, built and checked."""
