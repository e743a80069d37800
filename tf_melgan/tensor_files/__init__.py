"""Reads files of tensors that other programs wrote; runs nothing of what they hold.

`read_tensors` reads PyTorch checkpoints, safetensors and HDF5.
"""
