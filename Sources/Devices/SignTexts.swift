// Every Chinese text that a driver reads on the sign or hears from it, in one table.
// Limits: at most 12 characters a text, all of them in GB 2312; a test holds the table to both.

import Domain

/// What the sign shows. HJ 1321 asks for the plate, the emission stage, the present state of control, whether the
/// vehicle may pass, and the reason when it may not.
public enum SignMessage: Equatable, Sendable {
    /// No vehicle. The text is the site's own; `SignTexts.welcome` where none is configured.
    case idle(text: String)
    /// A vehicle stands there, and who it is is being found out.
    case identifying
    /// The answer for a vehicle: green when the reason allows it to pass, red when not.
    /// - plate: as registered or read; empty when none was.
    /// - stage: as registered; nil when the vehicle is not in the register, and then none is shown.
    case verdict(plate: String, stage: EmissionStage?, reason: VerdictReason)
    /// The gate cannot work by itself.
    case fault
    /// The lane is locked down.
    case closed
    /// Fire alarm: the arm is up, and everybody leaves.
    case evacuate
    /// Somebody works on the gate.
    case maintenance
}

public enum SignTexts {
    public static let maximumCharacterCount = 12

    public static let welcome = "减速慢行 一车一杆"
    public static let ledgerFull = "台账已满 请联系门卫"
    public static let identifying = "正在识别 请稍候"
    public static let fault = "设备故障 请联系门卫"
    public static let closed = "车道关闭 禁止通行"
    public static let evacuate = "紧急疏散 请驶离"
    public static let maintenance = "设备检修 禁止通行"
    /// 当前管控状态 while no emergency level is in force.
    public static let normalControl = "常态管控"

    /// 排放阶段.
    public static func stage(_ stage: EmissionStage) -> String {
        switch stage {
        case .china0: "国零"
        case .china1: "国一"
        case .china2: "国二"
        case .china3: "国三"
        case .china4: "国四"
        case .china5: "国五"
        case .china6: "国六"
        case .electric: "电动"
        case .unknown: "排放阶段未知"
        }
    }

    /// The reason, and whether the vehicle may pass.
    public static func reason(_ reason: VerdictReason) -> String {
        switch reason {
        case .stageAllowed: "欢迎 请通行"
        case .whitelisted: "白名单 请通行"
        case .unknownVehicle: "未登记车辆 禁止通行"
        case .stageTooLow: "排放不达标 禁止通行"
        case .stageUnknown: "排放未知 禁止通行"
        case .blacklisted: "黑名单 禁止通行"
        case .plateUnread: "车牌未识别 禁止通行"
        case .notIdentified: "车辆未识别 禁止通行"
        case .ledgerFull: "台账已满 禁止通行"
        case .identityConflict: "牌照标签不符 禁止通行"
        }
    }

    /// All fixed texts.
    static var all: [String] {
        [welcome, ledgerFull, identifying, fault, closed, evacuate, maintenance, normalControl]
            + EmissionStage.allCases.map { stage($0) }
            + VerdictReason.allCases.map { reason($0) }
    }
}

/// The four parts of a message, before they are laid out on the lines that a sign has.
struct SignPage: Equatable {
    var plate = ""
    var stage = ""
    var reason = ""
    var control = ""

    init(_ message: SignMessage, control: String) {
        self.control = control
        switch message {
        case .idle(let text):
            plate = text
        case .identifying:
            reason = SignTexts.identifying
        case .verdict(let plate, let stage, let reason):
            self.plate = plate
            self.stage = stage.map { SignTexts.stage($0) } ?? ""
            self.reason = SignTexts.reason(reason)
        case .fault:
            reason = SignTexts.fault
        case .closed:
            reason = SignTexts.closed
        case .evacuate:
            reason = SignTexts.evacuate
        case .maintenance:
            reason = SignTexts.maintenance
        }
    }

    /// One text a line, top to bottom. A sign with fewer than four lines shows several parts on one line, which scrolls
    /// where it is too narrow. A line without a part gets a blank, which wipes what stood there.
    func lines(count: Int) -> [String] {
        let groups: [[String]] =
            switch count {
            case 1: [[plate, stage, reason, control]]
            case 2: [[plate, stage], [reason, control]]
            case 3: [[plate, stage], [reason], [control]]
            default: [[plate], [stage], [reason], [control]]
            }
        return groups.map { parts in
            let text = parts.filter { !$0.isEmpty }.joined(separator: " ")
            return text.isEmpty ? " " : text
        }
    }
}
