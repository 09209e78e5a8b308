from otter.test_files import test_case

OK_FORMAT = False

name = "question_4"
points = 2

@test_case(points=0.5, hidden=True)
def test_a_single_pixel(mapping, seed):
    import hidden_stages
    hidden_stages.single_pixel(mapping, seed)

@test_case(points=0.5, hidden=True)
def test_shuffled_pixels_give_shuffled_answers(mapping, seed):
    import hidden_stages
    hidden_stages.shuffled_pixels(mapping, seed)

@test_case(points=1, hidden=True)
def test_any_maps_any_weights(mapping, seed):
    import hidden_stages
    hidden_stages.stage_two(mapping, seed)
