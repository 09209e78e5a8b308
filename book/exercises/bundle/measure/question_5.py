from otter.test_files import test_case

OK_FORMAT = False

name = "question_5"
points = 2

@test_case(points=0.5, hidden=True)
def test_a_set_of_one_picture(mean_psnr, seed):
    import hidden_measure
    hidden_measure.one_picture(mean_psnr, seed)

@test_case(points=1.5, hidden=True)
def test_sets_of_many_sizes(mean_psnr, seed):
    import hidden_measure
    hidden_measure.several_pictures(mean_psnr, seed)
