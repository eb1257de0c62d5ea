"""The engine that pictures surfaces: maps of height and material, defects that edit them, light, camera.

A defect changes the maps before the light falls on them, so shading and mask agree by construction. Noise comes from
fixed periodic tiles cut at random windows, so no Fourier transform is needed for a picture.
"""
