from otter.test_files import test_case

OK_FORMAT = False

name = "question_3"
points = 2

@test_case(points=0.5, hidden=True)
def test_black_patches_which_leave_the_biases(extract, seed):
    import hidden_stages
    hidden_stages.black_patches(extract, seed)

@test_case(points=0.5, hidden=True)
def test_products_that_are_positive_everywhere(extract, seed):
    import hidden_stages
    hidden_stages.positive_products(extract, seed)

@test_case(points=1, hidden=True)
def test_any_filters_one_channel_or_three(extract, seed):
    import hidden_stages
    hidden_stages.stage_one(extract, seed)
