"""How raw values become codes: the one layout that trainer, tables and ONNX graph share (model/features.ts)."""

HOURS, DAYS, BLOCKS = 24, 7, 6
DISTANCE_EDGES = [150, 250, 350, 450, 550, 700, 850, 1000, 1250, 1600, 2000, 2500]
NUMBERS = ["hour", "day_of_week", "distance"]
NAMES = ["origin", "destination"]
