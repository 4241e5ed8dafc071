"""One file per kind of cost; `prune_core.metrics` imports every file in this folder, which registers what it defines.

None of them imports torch: what a function is given (`prune_core.cost.measured.MeasuredNetwork`) has measured what needs it.
"""
