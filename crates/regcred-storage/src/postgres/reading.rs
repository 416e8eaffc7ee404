//! What comes by the thousand is read together: whoever asks while a question is under way waits for the next one, which is
//! for all that wait.
//!
//! A question is for those who asked before it is sent, so that nobody is told what was committed before they asked. Whoever
//! gives up leaves the line, and no question waits for an asker.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use regcred_core::Result;
use tokio::sync::oneshot;

use super::pool::{LONGEST_WAIT, no_turn};
use crate::unit::closed;

/// How all that wait are asked for at once.
pub(super) trait Question: Send + Sync + 'static {
    /// What one of them asks for.
    type Asked: Send;
    /// What one of them is told.
    type Answer: Send;
    /// What it takes to ask.
    type Turn: Send;

    /// Waits until it can be asked, however long; an error once it never can.
    fn turn(&self) -> impl Future<Output = Result<Self::Turn>> + Send;

    /// Asks, for an answer to each.
    fn ask(
        &self,
        turn: Self::Turn,
        asked: Vec<Self::Asked>,
    ) -> impl Future<Output = Result<Vec<Result<Self::Answer>>>> + Send;
}

/// Where askers wait for the next question.
pub(super) struct Reading<Q: Question>(Arc<Room<Q>>);

struct Room<Q: Question> {
    question: Q,
    line: Mutex<Line<Q>>,
}

struct Line<Q: Question> {
    /// Those for whom nothing was asked yet, by their number, which grows.
    waiting: BTreeMap<u64, Asker<Q>>,
    next: u64,
    under_way: usize,
}

struct Asker<Q: Question> {
    asked: Q::Asked,
    answer: oneshot::Sender<Result<Q::Answer>>,
}

impl<Q: Question> Reading<Q> {
    pub(super) fn new(question: Q) -> Self {
        let line = Line {
            waiting: BTreeMap::new(),
            next: 0,
            under_way: 0,
        };
        Self(Arc::new(Room {
            question,
            line: Mutex::new(line),
        }))
    }

    /// Asks with the next question. `Unavailable` where that was not sent within two seconds.
    pub(super) async fn ask(&self, asked: Q::Asked) -> Result<Q::Answer> {
        let (answer, mut answered) = oneshot::channel();
        let place = self.0.enter(Asker { asked, answer });
        match tokio::time::timeout(LONGEST_WAIT, &mut answered).await {
            Ok(answered) => answered.map_err(|_| closed())?,
            Err(_) if place.leave() => Err(no_turn()),
            Err(_) => answered.await.map_err(|_| closed())?,
        }
    }
}

impl<Q: Question> Room<Q> {
    /// Takes a place in the line, and sees to it that somebody asks.
    fn enter(self: &Arc<Self>, asker: Asker<Q>) -> Place<'_, Q> {
        let mut line = self.lock();
        let number = line.next;
        line.next += 1;
        line.waiting.insert(number, asker);
        if line.under_way < AT_ONCE {
            line.under_way += 1;
            let rounds = Rounds(Some(Arc::clone(self)));
            tokio::spawn(rounds.run());
        }
        Place { room: self, number }
    }

    /// Those who waited longest: from here on it may be asked for them.
    fn take(&self) -> Vec<Asker<Q>> {
        let waiting = &mut self.lock().waiting;
        let first = std::iter::from_fn(|| waiting.pop_first());
        first.take(MOST_AT_ONCE).map(|(_, asker)| asker).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Line<Q>> {
        // No code under the lock can panic half-way through a change.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the line, which ends with whoever has it.
struct Place<'a, Q: Question> {
    room: &'a Room<Q>,
    number: u64,
}

impl<Q: Question> Place<'_, Q> {
    /// Leaves the line; `false` where a question took the place.
    fn leave(&self) -> bool {
        self.room.lock().waiting.remove(&self.number).is_some()
    }
}

impl<Q: Question> Drop for Place<'_, Q> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// One question after the other, as long as anybody waits. `None` once it is said that this is over.
struct Rounds<Q: Question>(Option<Arc<Room<Q>>>);

impl<Q: Question> Rounds<Q> {
    async fn run(mut self) {
        while let Some(room) = self.room() {
            let turn = room.question.turn().await;
            // Whoever came while the turn was waited for asks, too.
            let askers = room.take();
            let (asked, answers): (Vec<_>, Vec<_>) = askers
                .into_iter()
                .map(|Asker { asked, answer }| (asked, answer))
                .unzip();
            let told = match turn {
                Ok(_) if asked.is_empty() => continue,
                Ok(turn) => room.question.ask(turn, asked).await,
                Err(error) => Err(error),
            };
            let told = match told {
                Ok(told) => told,
                Err(error) => answers.iter().map(|_| Err(error.clone())).collect(),
            };
            for (answer, told) in answers.into_iter().zip(told) {
                let _ = answer.send(told);
            }
        }
    }

    /// Where somebody waits; otherwise this is over, and whoever comes next begins anew.
    fn room(&mut self) -> Option<Arc<Room<Q>>> {
        let room = self.0.take()?;
        let mut line = room.lock();
        if line.waiting.is_empty() {
            line.under_way -= 1;
            return None;
        }
        drop(line);
        self.0 = Some(Arc::clone(&room));
        Some(room)
    }
}

impl<Q: Question> Drop for Rounds<Q> {
    fn drop(&mut self) {
        // Broken off, with the runtime that it ran on.
        if let Some(room) = &self.0 {
            room.lock().under_way -= 1;
        }
    }
}

/// So many questions are under way at once. With one, two and four of them as many pulls were answered, and with one at the least
/// cost; but then one that hangs would hold up everybody.
const AT_ONCE: usize = 2;
/// Further askers wait for the next question: a bound on how much one gives, and on how many one that fails is for.
const MOST_AT_ONCE: usize = 256;

#[cfg(test)]
mod tests {

    use regcred_core::{Error, ErrorKind};
    use tokio::sync::{Semaphore, mpsc};
    use tokio::time::Instant;

    use super::*;

    /// A question that is asked and answered when the test says so. An even number is told its double, an odd one is
    /// refused.
    struct Slow {
        turns: Arc<Semaphore>,
        sent: mpsc::UnboundedSender<(Vec<u32>, oneshot::Sender<Result<()>>)>,
    }

    impl Question for Slow {
        type Asked = u32;
        type Answer = u32;
        type Turn = ();

        async fn turn(&self) -> Result<()> {
            let turn = self.turns.acquire().await;
            turn.map(tokio::sync::SemaphorePermit::forget)
                .map_err(|_| closed())
        }

        async fn ask(&self, (): (), asked: Vec<u32>) -> Result<Vec<Result<u32>>> {
            let (answer, answered) = oneshot::channel();
            self.sent.send((asked.clone(), answer)).unwrap();
            answered.await.unwrap()?;
            let of = |number: u32| match number % 2 {
                0 => Ok(number * 2),
                _ => Err(Error::internal(number.to_string())),
            };
            Ok(asked.into_iter().map(of).collect())
        }
    }

    struct Scene {
        reading: Arc<Reading<Slow>>,
        turns: Arc<Semaphore>,
        sent: mpsc::UnboundedReceiver<(Vec<u32>, oneshot::Sender<Result<()>>)>,
    }

    type Asking = tokio::task::JoinHandle<Result<u32>>;

    impl Scene {
        fn new(turns: usize) -> Self {
            let turns = Arc::new(Semaphore::new(turns));
            let (sender, sent) = mpsc::unbounded_channel();
            let question = Slow {
                turns: Arc::clone(&turns),
                sent: sender,
            };
            Self {
                reading: Arc::new(Reading::new(question)),
                turns,
                sent,
            }
        }

        /// Asks, and has its place once this is over.
        async fn ask(&self, number: u32) -> Asking {
            let reading = Arc::clone(&self.reading);
            let before = self.reading.0.lock().next;
            let asking = tokio::spawn(async move { reading.ask(number).await });
            while self.reading.0.lock().next == before {
                tokio::task::yield_now().await;
            }
            asking
        }

        /// As many questions as may be are under way, each for one number.
        async fn busy(&mut self) -> Vec<(Asking, oneshot::Sender<Result<()>>)> {
            let mut under_way = Vec::new();
            for _ in 0..AT_ONCE {
                let asking = self.ask(0).await;
                let (asked, answer) = self.sent.recv().await.unwrap();
                assert_eq!(asked, [0]);
                under_way.push((asking, answer));
            }
            under_way
        }
    }

    #[tokio::test]
    async fn whoever_asks_while_all_are_under_way_is_in_the_next_question_with_the_others() {
        let mut scene = Scene::new(100);
        let mut under_way = scene.busy().await;
        let mut asking = Vec::new();
        for number in [2, 3, 4] {
            asking.push(scene.ask(number).await);
        }
        // Nobody joined what was sent, and nothing else is.
        assert!(scene.sent.is_empty());
        let (first, answer) = under_way.pop().unwrap();
        answer.send(Ok(())).unwrap();
        assert_eq!(first.await.unwrap().unwrap(), 0);
        let (asked, answer) = scene.sent.recv().await.unwrap();
        assert_eq!(asked, [2, 3, 4]);
        answer.send(Ok(())).unwrap();
        let mut told = Vec::new();
        for asking in asking {
            told.push(asking.await.unwrap().map_err(|error| error.kind()));
        }
        assert_eq!(told, [Ok(4), Err(ErrorKind::Internal), Ok(8)]);
    }

    #[tokio::test]
    async fn a_question_that_fails_is_the_failure_of_those_in_it() {
        let mut scene = Scene::new(100);
        let mut under_way = scene.busy().await;
        let next = scene.ask(2).await;
        let (failed, answer) = under_way.pop().unwrap();
        answer.send(Err(Error::unavailable("broken"))).unwrap();
        let failed = failed.await.unwrap().unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Unavailable);
        let (asked, answer) = scene.sent.recv().await.unwrap();
        assert_eq!(asked, [2]);
        answer.send(Ok(())).unwrap();
        assert_eq!(next.await.unwrap().unwrap(), 4);
    }

    #[tokio::test]
    async fn whoever_goes_away_is_not_asked_for_and_holds_up_nobody() {
        let mut scene = Scene::new(100);
        let mut under_way = scene.busy().await;
        let (gone, stays) = (scene.ask(2).await, scene.ask(4).await);
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        // Also one for whom it was asked.
        let (gone, answer) = under_way.pop().unwrap();
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        answer.send(Ok(())).unwrap();
        let (asked, answer) = scene.sent.recv().await.unwrap();
        assert_eq!(asked, [4]);
        answer.send(Ok(())).unwrap();
        assert_eq!(stays.await.unwrap().unwrap(), 8);
        assert!(scene.reading.0.lock().waiting.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_two_seconds_for_a_question() {
        let mut scene = Scene::new(0);
        let begun = Instant::now();
        let error = scene.ask(2).await.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(begun.elapsed().as_secs(), LONGEST_WAIT.as_secs());
        assert!(scene.reading.0.lock().waiting.is_empty());
        // But for its answer, once it was sent.
        let asking = scene.ask(4).await;
        scene.turns.add_permits(1);
        let (asked, answer) = scene.sent.recv().await.unwrap();
        assert_eq!(asked, [4]);
        tokio::time::sleep(LONGEST_WAIT * 2).await;
        answer.send(Ok(())).unwrap();
        assert_eq!(asking.await.unwrap().unwrap(), 8);
    }

    #[tokio::test]
    async fn everybody_is_told_that_it_is_closed() {
        let scene = Scene::new(0);
        let waiting = [scene.ask(2).await, scene.ask(4).await];
        scene.turns.close();
        for asking in waiting {
            assert!(asking.await.unwrap().is_err());
        }
        assert!(scene.ask(6).await.await.unwrap().is_err());
        while scene.reading.0.lock().under_way > 0 {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn a_runtime_that_ends_takes_no_place_with_it() {
        let runtime = || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.enable_all().build().unwrap()
        };
        let scene = Scene::new(0);
        let first = runtime();
        for _ in 0..AT_ONCE {
            first.block_on(scene.ask(2));
        }
        drop(first);
        assert_eq!(scene.reading.0.lock().under_way, 0);
        scene.turns.add_permits(100);
        let mut scene = scene;
        runtime().block_on(async {
            let asking = scene.ask(4).await;
            let (asked, answer) = scene.sent.recv().await.unwrap();
            assert_eq!(asked, [4]);
            answer.send(Ok(())).unwrap();
            assert_eq!(asking.await.unwrap().unwrap(), 8);
        });
    }

    #[tokio::test]
    async fn a_question_is_for_so_many_and_no_more() {
        let mut scene = Scene::new(100);
        let mut under_way = scene.busy().await;
        let mut asking = Vec::new();
        for _ in 0..=MOST_AT_ONCE {
            asking.push(scene.ask(2).await);
        }
        under_way.pop().unwrap().1.send(Ok(())).unwrap();
        for most in [MOST_AT_ONCE, 1] {
            let (asked, answer) = scene.sent.recv().await.unwrap();
            assert_eq!(asked.len(), most);
            answer.send(Ok(())).unwrap();
        }
        for asking in asking {
            assert_eq!(asking.await.unwrap().unwrap(), 4);
        }
    }
}
