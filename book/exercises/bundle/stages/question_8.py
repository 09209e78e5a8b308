from otter.test_files import test_case

OK_FORMAT = False

name = "question_8"
points = 4

@test_case(points=1, hidden=True)
def test_the_inside_of_the_picture(sharpen, seed):
    import hidden_stages
    hidden_stages.inside(sharpen, seed)

@test_case(points=1, hidden=True)
def test_the_whole_picture_with_its_border(sharpen, seed):
    import hidden_stages
    hidden_stages.whole_picture(sharpen, seed)

@test_case(points=1, hidden=True)
def test_a_mapping_that_looks_at_neighbours(sharpen, seed):
    import hidden_stages
    hidden_stages.larger_mapping(sharpen, seed)

@test_case(points=1, hidden=True)
def test_the_trained_network_on_a_photograph(sharpen, seed):
    import hidden_stages
    hidden_stages.trained_network(sharpen, seed)
