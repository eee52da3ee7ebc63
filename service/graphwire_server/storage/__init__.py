"""Engines that keep rows, checkpoints and events. Each is a package of its own and knows the core and its driver alone."""
