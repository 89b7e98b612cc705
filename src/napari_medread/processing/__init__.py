"""New volumes computed from volumes: plain Python, without napari."""
