from otter.test_files import test_case

OK_FORMAT = False

name = "question_2"
points = 2

@test_case(points=0.5, hidden=True)
def test_an_error_whose_decibels_are_known(psnr, seed):
    import hidden_measure
    hidden_measure.known_decibels(psnr, seed)

@test_case(points=1, hidden=True)
def test_any_pictures_and_peaks(psnr, seed):
    import hidden_measure
    hidden_measure.any_peak(psnr, seed)

@test_case(points=0.5, hidden=True)
def test_equal_pictures(psnr, seed):
    import hidden_measure
    hidden_measure.equal_pictures(psnr, seed)
