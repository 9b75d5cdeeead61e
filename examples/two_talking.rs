//! Two programs that talk: one asks for numbers, the other one keeps their average.

use segno::{Coroutine, CoroutineResult};

fn main() {
    let mut average = Coroutine::new(|yielder, first: f64| {
        let (mut sum, mut count, mut next) = (0.0, 0, first);
        while next >= 0.0 {
            sum += next;
            count += 1;
            // Answers the average so far, and waits for the next number.
            next = yielder.suspend(sum / f64::from(count));
        }
        count
    });

    for number in [4.0, 8.0, 3.0, -1.0] {
        match average.resume(number) {
            CoroutineResult::Yield(so_far) => println!("after {number} the average is {so_far}"),
            CoroutineResult::Return(count) => println!("that was the average of {count} numbers"),
        }
    }
}

#[test]
fn two_talking() {
    main();
}
