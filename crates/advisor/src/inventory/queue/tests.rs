use futures::FutureExt as _;

use super::*;

fn layers(letters: &[(u8, u64)]) -> HashMap<Digest, u64> {
    letters
        .iter()
        .map(|(letter, bytes)| (Digest::sha256([*letter; 32]), *bytes))
        .collect()
}

fn note(namespace: &str) -> Progress {
    let progress = Progress::new();
    progress.hurry(namespace);
    progress
}

#[tokio::test]
async fn permits_come_back_whatever_becomes_of_those_who_wait() {
    let queue = Queue::new(1000, 1);
    let [one, two, three] = [1, 2, 3].map(|letter| Digest::sha256([letter; 32]));
    let progress = note("a");
    let place = queue
        .enter(layers(&[(1, 10), (2, 10), (3, 10)]), &progress)
        .unwrap();
    let first = place.turn(&one, 10, &progress).await.unwrap();
    assert!(matches!(first, Turn::Read(_)));
    let mut second = Box::pin(place.turn(&two, 10, &progress));
    let mut third = Box::pin(place.turn(&three, 10, &progress));
    let mut same = Box::pin(place.turn(&one, 10, &progress));
    assert!((&mut second).now_or_never().is_none());
    assert!((&mut third).now_or_never().is_none());
    assert!((&mut same).now_or_never().is_none());
    drop(first);
    assert!(matches!(same.await, Ok(Turn::LookAgain)));
    // It has a permit that it does not know of.
    drop(second);
    assert!(matches!(third.await, Ok(Turn::Read(_))));
    drop(place);
    assert_eq!(queue.load(), Load::default());
    assert!(queue.state().waiting.is_empty());
}

#[tokio::test]
async fn whoever_is_put_off_learns_it_while_it_waits_and_when_it_asks() {
    let queue = Queue::new(100, 1);
    let greedy = note("greedy");
    let reads = queue.enter(layers(&[(1, 5)]), &greedy).unwrap();
    let _reading = reads
        .turn(&Digest::sha256([1; 32]), 5, &greedy)
        .await
        .unwrap();
    let waits = queue.enter(layers(&[(2, 45)]), &greedy).unwrap();
    let layer = Digest::sha256([2; 32]);
    let mut turn = Box::pin(waits.turn(&layer, 45, &greedy));
    assert!((&mut turn).now_or_never().is_none());
    let other = queue.enter(layers(&[(3, 40)]), &note("other")).unwrap();
    assert!(
        (&mut turn).now_or_never().is_none(),
        "there is room for both"
    );
    let third = queue.enter(layers(&[(4, 20)]), &note("third"));
    assert!(matches!(turn.await, Err(Busy::PutOff)));
    assert!(matches!(
        waits.turn(&layer, 45, &greedy).await,
        Err(Busy::PutOff)
    ));
    drop((third, other, waits, reads));
}

#[tokio::test]
async fn somebody_who_begins_to_wait_moves_the_image_forward() {
    let queue = Queue::new(1000, 1);
    let (busy, progress) = (note("busy"), Progress::new());
    progress.defer("team");
    let [one, two] = [1, 2].map(|letter| Digest::sha256([letter; 32]));
    let place = queue.enter(layers(&[(1, 10)]), &busy).unwrap();
    let _reading = place.turn(&one, 10, &busy).await.unwrap();
    let ahead = queue.enter(layers(&[(2, 10)]), &progress).unwrap();
    let mut turn = Box::pin(ahead.turn(&two, 10, &progress));
    assert!((&mut turn).now_or_never().is_none());
    progress.hurry("team");
    assert!(matches!(
        (&mut turn).now_or_never(),
        Some(Ok(Turn::Read(_)))
    ));
}
