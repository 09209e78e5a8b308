from otter.test_files import test_case

OK_FORMAT = False

name = "question_1"
points = 2

@test_case(points=0.5, hidden=True)
def test_the_same_error_at_every_pixel(mse, seed):
    import hidden_measure
    hidden_measure.same_error_everywhere(mse, seed)

@test_case(points=0.5, hidden=True)
def test_noisy_pictures_in_bytes(mse, seed):
    import hidden_measure
    hidden_measure.noisy_bytes(mse, seed)

@test_case(points=1, hidden=True)
def test_pictures_in_0_to_1(mse, seed):
    import hidden_measure
    hidden_measure.unit_range(mse, seed)
