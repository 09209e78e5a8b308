from otter.test_files import test_case

OK_FORMAT = False

name = "question_6"
points = 3

@test_case(points=1, hidden=True)
def test_unchanged_patches_give_the_picture_back(average, seed):
    import hidden_patches
    hidden_patches.unchanged_patches(average, seed)

@test_case(points=1, hidden=True)
def test_one_patch_among_black_ones(average, seed):
    import hidden_patches
    hidden_patches.one_voice(average, seed)

@test_case(points=1, hidden=True)
def test_patches_that_contradict_each_other(average, seed):
    import hidden_patches
    hidden_patches.contradictions(average, seed)
