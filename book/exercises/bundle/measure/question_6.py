from otter.test_files import test_case

OK_FORMAT = False

name = "question_6"
points = 2

@test_case(points=0.5, hidden=True)
def test_distances_up_to_1(cubic, seed):
    import hidden_bicubic
    hidden_bicubic.nearer_than_one(cubic, seed)

@test_case(points=0.5, hidden=True)
def test_distances_from_1_to_2(cubic, seed):
    import hidden_bicubic
    hidden_bicubic.from_one_to_two(cubic, seed)

@test_case(points=1, hidden=True)
def test_left_and_right_near_and_far(cubic, seed):
    import hidden_bicubic
    hidden_bicubic.any_distance(cubic, seed)
