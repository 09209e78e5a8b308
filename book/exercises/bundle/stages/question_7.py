from otter.test_files import test_case

OK_FORMAT = False

name = "question_7"
points = 3

@test_case(points=1, hidden=True)
def test_one_map_one_channel(reconstruct, seed):
    import hidden_stages
    hidden_stages.one_map(reconstruct, seed)

@test_case(points=1, hidden=True)
def test_a_single_1_in_one_of_many_maps(reconstruct, seed):
    import hidden_stages
    hidden_stages.single_ones(reconstruct, seed)

@test_case(points=1, hidden=True)
def test_many_maps_one_channel_or_three(reconstruct, seed):
    import hidden_stages
    hidden_stages.stage_three(reconstruct, seed)
