"""Headers to a list of patients, studies, series and volumes, without reading voxels.

What comes in are files, one by one; what goes out is a list that can be asked for at any time.
``series_collector`` sorts files into series and describes a series once its files are known;
``packed_headers`` keeps what describing and reading it takes; ``series_catalogue`` holds the list.
"""
