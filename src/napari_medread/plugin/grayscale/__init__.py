"""Making a grey layer of a colour layer: conversion, panel, command and side-by-side view.

In: an RGB or RGBA image layer.
Out: a grey image layer in the same place, with the metadata of its source and a note on how grey
was computed.
"""
