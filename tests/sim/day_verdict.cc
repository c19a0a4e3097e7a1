#include "tests/sim/day_verdict.h"

#include <fmt/format.h>

namespace fanfare::sim {

void DayVerdict::add(const DayVerdict& other) {
  for (const auto number : {&DayVerdict::events,
                            &DayVerdict::gaps,
                            &DayVerdict::publications,
                            &DayVerdict::streams,
                            &DayVerdict::restarts,
                            &DayVerdict::ends,
                            &DayVerdict::pauses,
                            &DayVerdict::notices,
                            &DayVerdict::sights,
                            &DayVerdict::answers,
                            &DayVerdict::forgotten,
                            &DayVerdict::crowds,
                            &DayVerdict::calms,
                            &DayVerdict::cancels,
                            &DayVerdict::stalls,
                            &DayVerdict::errands,
                            &DayVerdict::refused,
                            &DayVerdict::goodbyes,
                            &DayVerdict::handshakes,
                            &DayVerdict::resumed,
                            &DayVerdict::deferred,
                            &DayVerdict::no_tls,
                            &DayVerdict::transactions,
                            &DayVerdict::late_acks,
                            &DayVerdict::patterns_refused,
                            &DayVerdict::snapshots,
                            &DayVerdict::conflated,
                            &DayVerdict::keys_refused,
                            &DayVerdict::named,
                            &DayVerdict::over_address,
                            &DayVerdict::outlived,
                            &DayVerdict::questions,
                            &DayVerdict::admissions,
                            &DayVerdict::resumptions,
                            &DayVerdict::passed,
                            &DayVerdict::slow,
                            &DayVerdict::unusable})
    this->*number += other.*number;
}

std::string DayVerdict::reached() const {
  return fmt::format(
      "{} complete streams, {} pauses of publishers, {} notices, {} sights of the admin listener, "
      "{} rounds of many questions, {} channels forgotten, {} streams cancelled beside others, "
      "{} windows that stayed used up, {} errands, {} streams refused, {} goodbyes, "
      "{} TLS handshakes ({} resumed, {} deferred), {} without TLS where it was due, "
      "{} transactions, {} snapshots of keys, {} events as the latest of theirs, {} keys refused, "
      "{} late acks, {} streams with too many patterns, {} connections named by a "
      "front, {} refusals "
      "for an address, {} streams that lived out, {} questions to applications ({} clients let in, "
      "{} again without asking, {} answers passed on, {} too late, {} of no use); days: {} crowds, "
      "{} calms",
      ends, pauses, notices, sights, answers, forgotten, cancels, stalls, errands, refused,
      goodbyes, handshakes, resumed, deferred, no_tls, transactions, snapshots, conflated,
      keys_refused, late_acks, patterns_refused, named, over_address, outlived, questions,
      admissions, resumptions, passed, slow, unusable, crowds, calms);
}

}  // namespace fanfare::sim
