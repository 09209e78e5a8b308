from otter.test_files import test_case

OK_FORMAT = False

name = "question_1"
points = 2

@test_case(points=0.5, hidden=True)
def test_pictures_into_which_few_patches_fit(patches, seed):
    import hidden_patches
    hidden_patches.few_places(patches, seed)

@test_case(points=0.5, hidden=True)
def test_patches_of_one_pixel(patches, seed):
    import hidden_patches
    hidden_patches.one_pixel(patches, seed)

@test_case(points=1, hidden=True)
def test_all_patches_of_pictures_of_many_shapes(patches, seed):
    import hidden_patches
    hidden_patches.all_patches(patches, seed)
